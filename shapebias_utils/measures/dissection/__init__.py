"""Network dissection (Sec. 3.3.2): which concept each channel detects."""
