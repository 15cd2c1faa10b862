"""The files of a dataset, in the Hub repository and in a folder of its layout (docs/protocol.md#dataset)."""

SAMPLES_FILE = "test-00000-of-00001.parquet"
FEWSHOT_FILE = "fewshot-00000-of-00001.parquet"
CONFIG_FILE = "experiment_config.json"
FILES = (SAMPLES_FILE, FEWSHOT_FILE, CONFIG_FILE)
