"""How inner loops are compiled and work is shared among threads."""
