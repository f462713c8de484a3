"""What could not be marked is taken away again by the index that was asked for; what was there before is not."""

from vethlab.kernel.marks import unmarked
from vethlab.kernel.netlink import link as links


def test_what_was_made_and_could_not_be_marked_is_removed() -> None:
    """Of three interfaces one was marked, one could not be, one was not made at all: only the second is removed."""
    batch = []
    for index in (7, 8, 9):
        batch += [
            links.new_link(index, f"br{index}", "bridge", up=False, parts=b"", data=b""), links.set_mark(index, f"vethlab:m:br{index}"),
            links.set_link(index, f"br{index}", up=True),
        ]
    refused = {4, 6, 7, 8}  # the mark of 8; making, mark and setting of 9
    assert [links.delete_link(8, "")] == unmarked(batch, refused)
    assert [] == unmarked(batch, {2, 5})
