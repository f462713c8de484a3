"""Values: what a lab is (topology) and what a kernel holds (state). Standard library only, frozen, no behaviour beyond themselves."""
