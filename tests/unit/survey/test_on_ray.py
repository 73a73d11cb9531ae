"""On Ray: the rows are those of the local engine, and a node that is killed loses none."""

from contextlib import contextmanager
from importlib.util import find_spec

import pytest
from PIL import Image

from nonlocal_core import Selection
from nonlocal_core.survey import RayEngine, read_rows, survey
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import as_table
from nonlocal_core.survey.worker import Worker

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: make peers")
CHOICE = {"models": ["lite0-gaussian"], "frames": Selection(frames=1), "short_side": 64}


@contextmanager
def two_nodes():
    """A cluster of two raylets on this machine, of one core each; yield it and the second node."""
    from ray.cluster_utils import Cluster

    store = 80 * 2**20
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": store})
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=store)
        yield cluster, second
    finally:
        cluster.shutdown()


@pytest.mark.filterwarnings("ignore")  # of Ray's own files and sockets, which it leaves to the end of the process
def test_two_nodes_give_the_same_rows_and_one_that_is_killed_loses_none(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for place in range(10):
        picture = Image.radial_gradient("L").rotate(10 * place).resize((100, 70)).convert("RGB")
        picture.save(clips / f"{place}.png")
    (clips / "broken.png").write_bytes(b"GIF89a")
    killed = []
    with two_nodes() as (cluster, second):

        def kill(pace):
            if pace.here == 3:
                cluster.remove_node(second, allow_graceful=False)
                killed.append(pace.done)

        survey(clips, tmp_path / "out", **CHOICE, engine=RayEngine(address=cluster.address, workers=2), progress=kill)
    assert killed == [3]
    rows = read_rows(tmp_path / "out")
    worker = Worker(Plan(models=("lite0-gaussian",), frames=Selection(frames=1), short_side=64))
    try:
        for place in (0, 4, 9, 10):
            clip = str((clips / ("broken.png" if place == 10 else f"{place}.png")).resolve())
            expected = as_table(worker.measure(Job(place, clip))).to_pylist()
            found = [row for row in rows.to_pylist() if row["place"] == place]
            assert repr(found) == repr(expected)
    finally:
        worker.close()
    assert sorted(set(rows["place"].to_pylist())) == list(range(11))
    assert len(rows) == 10 * 2 + 1
