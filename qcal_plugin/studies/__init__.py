"""Which items are asked, and under which conditions: selection, controls, perturbations, shots."""
