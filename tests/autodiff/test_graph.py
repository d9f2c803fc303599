import xml.etree.ElementTree as ET

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from thalweg.autodiff import Edge, Graph, Node, graph
from thalweg.autodiff._graph_groups import grouped
from thalweg.errors import RunError, SettingError


@pytest.fixture(autouse=True)
def drawn():
    torch.manual_seed(0)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.last(self.activation(self.first(x))) + x


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


def by_operation(found):
    return {each.operation: each for each in found.nodes}


def test_addition_passes_on_products_swap_the_maximum_routes_and_a_branch_adds_up():
    # J = max(x·y, z) + x at (2, 3, 5) is 6 + 2 by hand, its slopes are 3 + 1, 2 and 0.
    point = [torch.tensor(each) for each in (2.0, 3.0, 5.0)]
    found = graph(lambda x, y, z: torch.maximum(x * y, z) + x, point)
    nodes = by_operation(found)
    assert [each.value for each in found.nodes if each.operation == "input"] == [
        (2.0,),
        (3.0,),
        (5.0,),
    ]
    assert nodes["add"].value == (8.0,)
    assert [each.gradient for each in found.nodes[:3]] == [4.0, 2.0, 0.0]
    passed = {
        each: [edge.downstream for edge in found.before(node)] for each, node in nodes.items()
    }
    assert passed["add"] == [1.0, 1.0]
    assert passed["mul"] == [3.0, 2.0]
    assert passed["maximum"] == [1.0, 0.0]
    assert {edge.upstream for edge in found.edges} == {1.0}
    assert sorted(edge.downstream for edge in found.after(found.nodes[0])) == [1.0, 3.0]
    assert "passes it on to both" in nodes["add"].rule
    assert "other factor" in nodes["mul"].rule
    assert "larger" in nodes["maximum"].rule


def test_gradients_are_those_that_autograd_keeps():
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    inputs = torch.randn(1, 3).double()
    found = graph(network, inputs)
    hidden = network[0](inputs)
    active = torch.tanh(hidden)
    output = network[2](active)
    for each in (hidden, active, output):
        each.retain_grad()
    output.sum().backward()
    expected = {"linear 0": hidden, "tanh 1": active, "linear 2": output}
    expected |= {f"parameter {name}": each for name, each in network.named_parameters()}
    for node in found.nodes[1:]:
        wanted = expected[f"{node.operation} {node.name}"]
        assert node.gradient == pytest.approx(float(wanted.grad.norm()))
        assert node.shape == tuple(wanted.shape)


def test_what_edges_pass_back_adds_up_to_the_gradient():
    found = graph(lambda x: (x * 3 + x.square() + x).sum(), torch.tensor([0.5, 0.5]))
    (x,) = [each for each in found.nodes if each.operation == "input"]
    # All parts point the same way here, so that their norms add up.
    assert x.gradient == pytest.approx(sum(edge.downstream for edge in found.after(x)))


def test_what_is_written_in_place_is_followed():
    class InPlace(nn.Module):
        def forward(self, x):
            h = x * 2
            h += x
            return F.relu(h, inplace=True).sum()

    found = graph(InPlace(), torch.tensor([1.0, 2.0]))
    assert [each.operation for each in found.nodes] == ["input", "mul", "add", "relu", "sum"]
    gradients = [each.gradient for each in found.nodes]
    assert gradients == pytest.approx([2**0.5 * each for each in (3, 1, 1, 1)] + [1.0])
    assert [edge.downstream for edge in found.edges] == pytest.approx(
        [2**0.5 * each for each in (2, 1, 1, 1, 1)]
    )


def test_the_users_own_function_is_a_node():
    found = graph(lambda x: Doubled.apply(x.sin()).sum(), torch.zeros(3))
    assert [each.operation for each in found.nodes] == ["input", "sin", "Doubled", "sum"]
    assert [(edge.source, edge.target) for edge in found.edges] == [(0, 1), (1, 2), (2, 3)]
    assert found.edges[1].downstream == pytest.approx(2 * 3**0.5)


def test_the_loss_is_the_last_node():
    targets = torch.tensor([1, 0])
    with torch.no_grad():
        found = graph(
            nn.Linear(3, 2), torch.randn(2, 3), loss=lambda z: F.cross_entropy(z, targets)
        )
    assert found.nodes[-1].operation == "cross_entropy"
    assert found.nodes[-1].gradient == 1.0
    assert found.nodes[-1].rule == "softmax less the target"


def test_what_does_not_lead_to_the_output_is_left_out():
    def function(x):
        x.exp()
        return x.sin().sum()

    assert "exp" not in by_operation(graph(function, torch.ones(2)))


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.LSTM(3, 4), (5, 2, 3)),
        (nn.TransformerEncoderLayer(4, 2, 8), (3, 2, 4)),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)), (2, 1, 6, 6)),
    ],
)
def test_every_parameter_of_a_network_is_a_node_with_its_gradient(module, shape):
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    found = graph(module, torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    names = {each.name for each in found.nodes if each.operation == "parameter"}
    assert names == {name for name, _ in module.named_parameters()}
    assert all(each.gradient is not None for each in found.nodes)
    assert all(edge.downstream is not None for edge in found.edges)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not module._forward_hooks
    assert all(each.grad is None for each in module.parameters())


def by_module(found: Graph) -> tuple[list[Node], list[Edge]]:
    return grouped(found.nodes, found.edges, found.modules, 1)


def test_modules_become_one_node_for_each_call():
    block = Residual()
    nodes, edges = by_module(graph(nn.Sequential(block, block, nn.Flatten()), torch.randn(2, 4)))
    operations = [(each.operation, each.name) for each in nodes if not each.is_leaf]
    # Its parameters are used by both calls, and so stand beside them.
    assert operations == [("Residual", "0"), ("Residual", "0"), ("flatten", "2")]
    assert sum(each.operation == "parameter" for each in nodes) == 4
    assert all(edge.source < edge.target for edge in edges)
    nodes, edges = by_module(graph(nn.Sequential(Residual(), nn.Flatten()), torch.randn(2, 4)))
    assert [each.operation for each in nodes] == ["input", "Residual", "flatten"]
    assert edges[0].downstream == pytest.approx(nodes[0].gradient)


def test_a_picture_shows_operations_values_rules_and_gradients(tmp_path):
    found = graph(lambda x, y: x * y + x, [torch.tensor(3.0), torch.tensor(-4.0)])
    tree = ET.parse(found.picture(tmp_path / "graph.svg"))
    words = [each.text for each in tree.iter() if each.tag.endswith("text")]
    assert {"mul", "add", "x0", "= -12", "gradient 3", "swaps: times the other factor"} <= set(
        words
    )
    assert sum(each.tag.endswith("rect") for each in tree.iter()) == 1 + len(found.nodes)
    assert sum(each.tag.endswith("path") for each in tree.iter()) == len(found.edges)


def test_a_picture_of_many_operations_has_a_box_for_each_module(tmp_path):
    found = graph(nn.Sequential(*[Residual() for _ in range(12)]), torch.randn(2, 4))
    assert len(found.nodes) > 90
    words = found.picture(tmp_path / "modules.svg").read_text()
    assert words.count(">Residual<") == 12
    every = found.picture(tmp_path / "every.svg", depth=0).read_text()
    assert every.count(">linear<") == 24


def test_what_several_edges_pass_back_together_is_dashed_where_others_hide_it(tmp_path):
    class Branches(nn.Module):
        def forward(self, x):
            return x.sin() + x.cos()

    class Fork(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = Branches()

        def forward(self, x):
            h = x.exp()
            return self.branches(h) + h

    found = graph(Fork(), torch.randn(3))
    nodes, edges = by_module(found)
    passed = {(edge.source, edge.target): edge.downstream for edge in edges}
    assert passed[1, 2] is None
    assert passed[1, 3] == pytest.approx(nodes[3].gradient)
    assert "stroke-dasharray" in found.picture(tmp_path / "graph.svg", depth=1).read_text()


def test_the_table_has_a_row_for_each_node_and_the_data_everything():
    found = graph(Residual(), torch.randn(2, 4))
    assert len(str(found).splitlines()) == 1 + len(found.nodes)
    data = found.to_json()
    assert len(data["nodes"]) == len(found.nodes)
    assert data["modules"]["first"] == "Linear"


def test_bad_input_is_told(tmp_path):
    with pytest.raises(SettingError, match="depends on nothing that has a gradient"):
        graph(lambda x: x.detach().sin(), torch.ones(2))
    found = graph(lambda x: x.sin(), torch.ones(2))
    with pytest.raises(SettingError, match="at least 0, got -1"):
        found.picture(tmp_path / "graph.svg", depth=-1)
    with pytest.raises(RunError, match="cannot write"):
        found.picture(tmp_path / "no" / "graph.svg")
