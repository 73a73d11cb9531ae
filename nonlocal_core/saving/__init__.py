"""Files of one answer: the formats, and the provenance in each file."""
