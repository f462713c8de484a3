"""Our own encoder and decoder of netlink messages (netlink(7), rtnetlink(7)): one small file for each kernel object."""
