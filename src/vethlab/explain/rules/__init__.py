"""Rules that name obstacles, one file for each kind of place a packet passes."""
