"""Tables and documents: figures with names, units and notes, before they are text or HTML."""
