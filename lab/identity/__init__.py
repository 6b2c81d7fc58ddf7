"""Makes the weights by which lists of people, companies and addresses are judged."""
