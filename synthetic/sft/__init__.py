"""Training data for supervised fine-tuning: the samples as conversations, in the files that trainers load."""
