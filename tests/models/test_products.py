from __future__ import annotations

import pytest
import torch

from molgan.models import products
from molgan.models.products import FastProducts


@pytest.fixture
def anew():
    """Forget what was found out about this machine, before and after."""
    products._onednn_suits.cache_clear()
    yield
    products._onednn_suits.cache_clear()


def settings() -> str | None:
    return getattr(getattr(torch.backends.mkldnn, "matmul", None), "fp32_precision", None)


def test_products_are_exact_and_the_setting_is_put_back():
    one, other = (torch.randn(100, 100, generator=torch.manual_seed(seed)) for seed in (0, 1))
    before = settings()
    with FastProducts():
        found = one @ other
    assert settings() == before
    torch.testing.assert_close(found.double(), one.double() @ other.double(), rtol=1e-4, atol=1e-4)


def test_the_setting_is_put_back_after_an_error(anew, monkeypatch):
    monkeypatch.setattr(products, "_amd_with_avx512", lambda: True)
    before = settings()
    with pytest.raises(KeyError), FastProducts():
        raise KeyError
    assert settings() == before


@pytest.mark.parametrize("amd", [True, False])
def test_inexact_products_are_refused(anew, monkeypatch, amd):
    if settings() is None:
        pytest.skip("this torch has no such setting")
    monkeypatch.setattr(products, "_amd_with_avx512", lambda: amd)
    product = torch.Tensor.__matmul__

    def rounded(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        if one.dtype == torch.float32:
            return product(one.bfloat16(), other.bfloat16()).float()
        return product(one, other)

    monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
    assert not FastProducts().suits


def test_trying_out_takes_no_random_numbers(anew, monkeypatch):
    monkeypatch.setattr(products, "_amd_with_avx512", lambda: True)
    before = torch.get_rng_state()
    FastProducts()
    assert torch.equal(torch.get_rng_state(), before)
