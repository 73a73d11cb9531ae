"""Files of one answer: its formats, and the provenance that each of them carries."""
