"""The commands of lenet-diag: one a file, each exporting `command`."""
