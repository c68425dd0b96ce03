"""What every suite uses. No test file imports another test file."""
