"""Channel ablation (Sec. 3.4): what each channel matters for, alone and with others."""
