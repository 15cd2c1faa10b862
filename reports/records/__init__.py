"""What a run leaves behind, read and written: manifest, records, samples."""
