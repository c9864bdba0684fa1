"""What tests are made of: small data, networks, runs and logs."""
