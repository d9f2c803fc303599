"""The picture of a network: what is in it, and that it is a file on its own."""

import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg._anatomy.picture._nodes import flow
from thalweg.errors import RunError

SVG = "{http://www.w3.org/2000/svg}"


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, inputs):
        return torch.relu(inputs + self.second(torch.relu(self.norm(self.first(inputs)))))


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(4, 2, 5, padding=2), nn.Conv2d(4, 2, 1)
        self.pool = nn.MaxPool2d(3, 1, 1)

    def forward(self, inputs):
        return torch.cat([self.wide(inputs), self.narrow(inputs), self.pool(inputs)], 1)


def words(drawing) -> list[str]:
    return [each.text for each in ET.fromstring(drawing.to_text()).iter(f"{SVG}text")]


def test_every_layer_is_there_with_its_shape_and_parameters():
    shown = words(tw.anatomy("lenet", (1, 32, 32), classes=10).picture())
    assert shown[0] == "lenet"
    assert "61,706 parameters" in shown[1]
    for text in ("Conv2d 5×5", "6×28×28, 156 parameters", "16×5×5", "120, 48,120 parameters"):
        assert text in shown
    assert shown.count("Linear") == 3


def test_branches_meet_where_they_do():
    nodes = flow(tw.anatomy(Branches(), (4, 8, 8)).blocks).nodes
    kinds = [node.kind for node in nodes]
    assert kinds == ["input", "Conv2d", "Conv2d", "MaxPool2d", "cat"]
    assert nodes[-1].sources == (1, 2, 3)
    assert all(node.sources == (0,) for node in nodes[1:4])


def test_a_layer_carries_what_follows_it_and_a_sum_its_activation():
    _, first, second, total = flow(tw.anatomy(Block(4), (4, 8, 8)).blocks).nodes
    assert first.followers == ("BatchNorm2d", "ReLU")
    assert first.parameters == 4 * 4 * 9 + 4 + 8
    assert second.sources == (1,)
    assert (total.kind, total.followers, total.sources) == ("add", ("ReLU",), (0, 2))


def test_equal_parts_in_a_row_are_drawn_once():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), *(Block(4) for _ in range(20)), nn.Conv2d(4, 5, 3))
    found = flow(tw.anatomy(model, (3, 16, 16)).blocks)
    assert [(each.path, each.last, each.times) for each in found.repeats] == [("1", "20", 20)]
    assert [node.path for node in found.nodes] == ["", "0", "1.first", "1.second", "1", "21"]
    assert found.nodes[-1].sources == (4,)
    assert "20 × from 1 to 20" in words(tw.anatomy(model, (3, 16, 16)).picture())


def test_a_deep_network_stays_readable():
    found = flow(tw.anatomy("resnet152").blocks)
    # The first block of a stage has a shortcut of its own; the others are alike.
    assert [each.times for each in found.repeats] == [2, 7, 35, 2]
    assert len(found.nodes) < 50


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "mobilenet_v2", "resnet50"])
def test_boxes_of_one_picture_do_not_overlap(name):
    root = ET.fromstring(tw.anatomy(name).picture().to_text())
    boxes = [
        tuple(float(each.get(side)) for side in ("x", "y", "width", "height"))
        for each in root.iter(f"{SVG}rect")
        if each.get("fill") == "var(--card)"
    ]
    assert len(boxes) > 20
    for place, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[place + 1 :]:
            is_beside = x + width <= other_x or other_x + other_width <= x
            assert is_beside or y + height <= other_y or other_y + other_height <= y
    assert all(x >= 0 and x + width <= float(root.get("width")) for x, _, width, _ in boxes)


def test_the_file_stands_alone(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4))
    model.add_module("<script>alert(1)</script>", nn.Linear(4, 2))
    path = tmp_path / "net.svg"
    tw.anatomy(model, (3,)).picture(path)
    text = path.read_text()
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    ET.fromstring(text)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RunError):
        tw.anatomy("lenet", (1, 28, 28)).picture(tmp_path / "none" / "net.svg")
