"""What the product costs, measured against the programs it is made of."""
