"""The console command ``qcaleval``: what is not testing."""
