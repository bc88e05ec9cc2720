"""The rules of accounts: pure, no input or output."""
