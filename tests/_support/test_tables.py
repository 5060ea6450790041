"""Tables in HTML: text stays text, numbers are aligned, long things are sampled from end to end."""

import pytest

import autodiff as ad
from autodiff import nn, optim
from autodiff._support.tables import sampled, table


def test_what_the_user_writes_is_text_there() -> None:
    html = table("<b>", ("a<", "b"), [("<script>", "−1"), ("&", "nan")], "1 < 2")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.startswith("<div>&lt;b&gt;</div>")
    assert html.endswith("<small>1 &lt; 2</small>")


def test_columns_of_numbers_are_aligned_to_the_right() -> None:
    html = table("", (), [("1", "−0.5", "one 1"), ("2", "", "2")])
    assert [cell.partition(";")[0] for cell in html.split("text-align: ")[1:]] == ["left", "right", "left"] * 2
    assert table("none", ("a",), []) == "<div>none</div>"


@pytest.mark.parametrize(("count", "most"), [(0, 5), (3, 5), (5, 5), (6, 5), (1000, 10)])
def test_a_sample_goes_from_the_first_to_the_last(count: int, most: int) -> None:
    places = sampled(count, most)
    assert len(places) == min(count, most) == len(set(places))
    assert not places or (places[0], places[-1]) == (0, count - 1)


def test_a_log_without_epochs_and_one_with_everything_are_tables() -> None:
    assert nn.TrainingLog()._repr_html_() == "<div>TrainingLog(0 epochs, 0 steps)</div>"
    model = nn.Perceptron(1, seed=1)
    xs, ys = [[0.0], [1.0], [2.0]], [0, 1, 1]
    log = nn.fit(
        model, xs, ys, loss=nn.mse, optimizer=optim.SGD(model.parameters()), epochs=25, validation=(xs, ys),
        metrics={"right": nn.accuracy}, progress=False,
    )  # fmt: skip
    html = log._repr_html_()
    for head in ("epoch", "loss", "validation", "right", "learning rate", "seconds"):
        assert f">{head}</th>" in html
    assert html.count("<tr>") == 11
    assert ">25</td>" in html


def test_long_histories_show_both_ends_of_both_passes() -> None:
    loss = ad.sum([ad.Value(float(i), f"<{i}>") * 2 for i in range(30)])
    html = ad.steps(loss)._repr_html_()
    assert html.count(">…</td>") == 2
    assert "forward 61/61" in html
    assert "backward 1/60" in html
    assert "&lt;0&gt; = 0, a leaf" in html
    assert "<table>" in ad.steps(ad.Value(1.0))._repr_html_()
    assert ad.summary(loss)._repr_html_().count("<tr>") == 7
