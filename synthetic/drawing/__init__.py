"""How plots look: styles, inks, rendering."""
