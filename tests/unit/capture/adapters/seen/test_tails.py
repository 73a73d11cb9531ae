"""The way from y to a layer's output: a matrix where it is linear, runs of the layer where it bends."""

import torch

from nonlocal_core.capture.adapters.seen.tails import Tail

B, HEADS, N, DV, C = 2, 3, 4, 5, 7
RNG = torch.Generator().manual_seed(0)
MATRIX, BIAS = torch.randn(HEADS * DV, C, generator=RNG), torch.randn(C, generator=RNG)
REAL = torch.randn(B, HEADS, N, DV, generator=RNG)
ROWS = torch.randn(1, 11, HEADS * DV, generator=RNG)  # more than there are tokens


def tail_of(bends=lambda z: z):
    runs = []

    def run(y):
        runs.append(len(runs))
        return bends(y.transpose(1, 2).flatten(2) @ MATRIX + BIAS)

    return Tail(run=run, real=REAL, numbers=torch.arange(B * N).flip(0)), runs


def test_a_linear_way_is_a_matrix_without_its_bias_and_learned_once():
    tail, runs = tail_of()
    torch.testing.assert_close(tail(ROWS), ROWS @ MATRIX)
    torch.testing.assert_close(tail.without, BIAS.expand(B, N, C))
    learned = len(runs)
    tail(ROWS)
    torch.testing.assert_close(tail.at(ROWS[:, :3], torch.tensor([5, 0, 2])), ROWS[:, :3] @ MATRIX)
    assert len(runs) == learned


def test_a_way_that_bends_is_run_with_the_rows_and_less_what_it_gives_without():
    tail, _ = tail_of(torch.tanh)
    torch.testing.assert_close(tail(ROWS), torch.tanh(ROWS @ MATRIX + BIAS) - torch.tanh(BIAS))


def test_a_row_at_its_own_place_stands_among_the_layers_own():
    def bends(z):
        return torch.tanh(z) * z.mean(dim=(0, 1))  # of all tokens

    tail, _ = tail_of(bends)
    queries = torch.tensor([6, 1])
    made = tail.at(ROWS[:, :2], queries)
    slots = REAL.transpose(1, 2).reshape(B * N, -1).clone()
    places = B * N - 1 - queries
    slots[places] = ROWS[0, :2]
    run = bends((slots @ MATRIX + BIAS).reshape(B, N, C)) - bends(BIAS.expand(B, N, C))
    torch.testing.assert_close(made[0], run.reshape(B * N, C)[places])
