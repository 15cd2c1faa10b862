"""The looks of plots: styles, inks, rendering."""
