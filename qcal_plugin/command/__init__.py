"""The console command ``qcaleval``: everything except evaluations."""
