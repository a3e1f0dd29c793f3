"""Smoothness (Sec. 3.3.1): of filters, of what they let through, of what decisions depend on."""
