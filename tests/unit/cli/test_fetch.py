"""``fetch`` downloads the checkpoint of the id and prints its path."""

from nonlocal_core.cli import OK, fetch, main
from nonlocal_core.weights.cards import list_published


def test_the_checkpoint_of_the_id_is_downloaded(monkeypatch, capsys, tmp_path):
    card, asked = list_published()[3], []

    def download(card, *, progress):
        asked.append(card)
        progress(5, None)  # a server that does not say how long
        return tmp_path / "net.pkl"

    monkeypatch.setattr(fetch, "download", download)
    assert main(["fetch", card.id]) == OK
    assert asked == [card]
    assert capsys.readouterr().out == f"{tmp_path / 'net.pkl'}\n"
