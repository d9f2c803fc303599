import torch

from thalweg.data import Rows

VALUES = torch.arange(24, dtype=torch.uint8).reshape(6, 2, 2)


def test_rows_are_looked_at_as_a_tensor_is():
    order = torch.tensor([5, 0, 3, 3])
    rows, tensor = Rows(VALUES, order), VALUES[order]
    assert (len(rows), rows.shape, rows.ndim, rows.dtype) == (4, (4, 2, 2), 3, torch.uint8)
    assert (rows.device, rows.nbytes) == (tensor.device, 16)
    assert torch.equal(rows[1], tensor[1])
    assert torch.equal(rows[-1], tensor[-1])
    assert torch.equal(rows[1:3], tensor[1:3])
    assert torch.equal(rows[torch.tensor([2, 0])], tensor[[2, 0]])
    assert torch.equal(rows.index_select(0, torch.tensor([1, 1])), tensor[[1, 1]])
    assert torch.equal(torch.stack(list(rows)), tensor)
    assert torch.equal(torch.cat(list(rows.split(3))), tensor)
    assert [len(each) for each in rows.split(3)] == [3, 1]


def test_some_of_the_rows_are_rows():
    some = Rows(VALUES, torch.tensor([5, 0, 3]), stays=False).select(torch.tensor([2, 1]).numpy())
    assert isinstance(some, Rows)
    assert not some.stays
    assert torch.equal(some[:], VALUES[[3, 0]])


def test_what_is_returned_is_a_copy():
    values = VALUES.clone()
    rows = Rows(values)
    for copy in (rows[0], rows[:2], rows[torch.tensor([1])]):
        copy.zero_()
    assert torch.equal(values, VALUES)
