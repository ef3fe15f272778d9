"""Figures: run ``python -m bench``; every figure is printed with how it was made."""
