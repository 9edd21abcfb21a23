"""Any TCP protocol through the running product: real servers, real clients."""
