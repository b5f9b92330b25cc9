"""A sampler in several steps: what it reads, what it learns, and where gradients go."""

from __future__ import annotations

import math

import pytest
import torch

from molgan.errors import ConfigError
from molgan.models import DenoisingSampler, LatentGenerator, rebuild
from molgan.models.denoising_sampler import noisy_point

SIZES = torch.tensor([1, 3, 6])
SHARE = 4


@pytest.fixture
def sampler() -> DenoisingSampler:
    torch.manual_seed(0)
    sampler = DenoisingSampler(6 * SHARE, 6, width=24, blocks=1, steps=4)
    for layer in (sampler.out, sampler.scales, sampler.conditions):  # zero at the start
        torch.nn.init.normal_(layer.weight, std=0.2)
    return sampler


@pytest.fixture
def generator(types) -> LatentGenerator:
    torch.manual_seed(0)
    generator = LatentGenerator(
        **types,
        max_atoms=9,
        latent_dim=SHARE,
        per_atom=True,
        decoder={"network": "SlotDecoder", "width": 24, "blocks": 1},
        sampler={
            "network": "DenoisingSampler",
            "width": 24,
            "blocks": 1,
            "steps": 3,
            "weaker": {"width": 12, "blocks": 1},
        },
    )
    for network in (generator.sampler, generator.sampler.weaker):
        torch.nn.init.normal_(network.out.weight, std=0.2)
    return generator


def test_noise_of_absent_atoms_says_nothing(sampler):
    noise = torch.randn(3, 6 * SHARE)
    other = noise.clone()
    other[0, SHARE:] += 1.0
    other[1, 3 * SHARE :] += 1.0
    present = sampler.present(SIZES)
    here, there = sampler(noise, SIZES) * present, sampler(other, SIZES) * present
    torch.testing.assert_close(here, there)
    assert sampler.velocity(noise, torch.ones(3), SIZES)[present == 0].eq(0).all()


def test_the_circle_joins_point_and_noise():
    points, noise = torch.randn(4, 8), torch.randn(4, 8)
    at_rest, away = noisy_point(points, noise, torch.zeros(4))
    torch.testing.assert_close(at_rest, points)
    torch.testing.assert_close(away, noise)
    at_noise, back = noisy_point(points, noise, torch.full((4,), math.pi / 2))
    torch.testing.assert_close(at_noise, noise)
    torch.testing.assert_close(back, -points)


def test_steps_lie_between_the_noise_levels():
    sampler = DenoisingSampler(24, 6, steps=3, noise_levels=[4.0, 1.0], noise_power=2.0)
    noise = [math.tan(angle) for angle in sampler.angles]
    assert noise == pytest.approx([4.0, 2.25, 1.0, 0.0])  # even in their square root
    # A model that was saved before they could be chosen.
    former = {"network": "DenoisingSampler", "latent_dim": 24, "max_atoms": 6, "steps": 2}
    assert [math.tan(angle) for angle in rebuild(former).angles] == pytest.approx([20, 0.3, 0])


@pytest.mark.parametrize("levels", [[0.5, 5.0], [5.0, 0.0], [5.0], [1.0, 1.0]])
def test_noise_that_does_not_fall_is_refused(levels):
    with pytest.raises(ConfigError, match=r"noise_levels=.* must be two"):
        DenoisingSampler(24, 6, noise_levels=levels)


def test_steps_with_the_true_velocity_end_at_the_point(sampler, monkeypatch):
    points = torch.randn(3, 6 * SHARE)

    def true_velocity(here, angles, sizes, conditions=None):
        noise = (here - angles.cos()[:, None] * points) / angles.sin()[:, None]
        return noisy_point(points, noise, angles)[1]

    monkeypatch.setattr(sampler, "velocity", true_velocity)
    torch.testing.assert_close(sampler(torch.randn(3, 6 * SHARE), SIZES), points)


def test_moving_estimates_are_led_on(sampler, monkeypatch):
    """For normal data everything is known: where the noise ends, and what each step should see."""
    spread = 2.0

    def true_velocity(here, angles, sizes, conditions=None):
        cosine, sine = angles.cos()[:, None], angles.sin()[:, None]
        share = cosine * spread**2 / (cosine**2 * spread**2 + sine**2)  # of `here` that is data
        return (cosine * here - share * here) / sine

    monkeypatch.setattr(sampler, "velocity", true_velocity)
    noise = torch.randn(3, 6 * SHARE)
    # The exact path keeps each point at its own quantile.
    start = sampler.angles[0]
    wanted = noise * spread / math.hypot(math.cos(start) * spread, math.sin(start))

    def error(steps: int) -> float:
        sampler.steps = steps
        return float((sampler(noise, SIZES) - wanted).abs().mean())

    led = error(8)
    monkeypatch.setattr("molgan.models.denoising_sampler._lead", lambda *angles: 0.0)
    assert led < 0.5 * error(16)  # better than twice the steps


def test_it_learns_a_distribution_with_two_peaks(sampler):
    """What a mean would miss: two points, both drawn, little between them."""
    torch.manual_seed(0)
    peaks = torch.nn.functional.layer_norm(torch.randn(2, 6, SHARE), (SHARE,)).flatten(1)
    sizes = torch.full((128,), 6)
    optimizer = torch.optim.Adam(sampler.parameters(), lr=5e-3)
    for _ in range(300):
        points = peaks[torch.randint(2, (128,))]
        angles = torch.randn(128).exp().atan()
        here, wanted = noisy_point(points, torch.randn_like(points), angles)
        loss = (sampler.velocity(here, angles, sizes) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        drawn = sampler(torch.randn(128, 6 * SHARE), sizes)
    near = torch.cdist(drawn, peaks).square() / (6 * SHARE)
    assert near.min(1).values.median() < 0.1
    assert 0.25 < near.argmin(1).float().mean() < 0.75


@pytest.fixture
def guided() -> DenoisingSampler:
    """A sampler with a weaker network, both past their start."""
    torch.manual_seed(0)
    weaker = {"width": 12, "blocks": 1}
    sampler = DenoisingSampler(24, 6, width=24, blocks=1, steps=4, weaker=weaker, autoguidance=3.0)
    for network in (sampler, sampler.weaker):
        torch.nn.init.normal_(network.out.weight, std=0.2)
    return sampler


def test_steps_lead_away_from_the_weaker_network(guided):
    here = torch.randn(3, 24), torch.ones(3), SIZES
    own, weaker = guided.velocity(*here), guided.weaker.velocity(*here)
    torch.testing.assert_close(guided.guided_velocity(*here), 3 * own - 2 * weaker)
    guided.autoguidance = 1.0
    assert guided.guided_velocity(*here).equal(own)


def test_leading_away_sharpens_a_network_that_is_too_blurred(guided, monkeypatch):
    """Two peaks: this network sees them blurred, the weaker one more so."""
    peaks = torch.stack([torch.ones(24), -torch.ones(24)])

    def seen_with(blur: float):
        def velocity(here, angles, sizes, conditions=None):
            cosine, sine = angles.cos()[:, None], angles.sin()[:, None]
            variance = cosine.square() * blur**2 + sine.square()
            distance = (here[:, None] - cosine[..., None] * peaks).square().sum(-1)
            nearest = torch.softmax(-0.5 * distance / variance, 1) @ peaks
            gain = cosine * blur**2 / variance  # as for normal data around each peak
            point = nearest + gain * (here - cosine * nearest)
            return (cosine * here - point) / sine

        return velocity

    monkeypatch.setattr(guided, "velocity", seen_with(0.6))
    monkeypatch.setattr(guided.weaker, "velocity", seen_with(0.9))
    noise, sizes = torch.randn(64, 24), torch.full((64,), 6)

    def distances() -> torch.Tensor:
        return torch.cdist(guided(noise, sizes), peaks)

    led = distances()
    guided.autoguidance = 1.0
    plain = distances()
    assert led.min(1).values.mean() < 0.8 * plain.min(1).values.mean()
    assert 0.25 < led.argmin(1).float().mean() < 0.75  # and both peaks are still drawn


def test_no_gradient_reaches_the_weaker_network_while_sampling(guided):
    guided.requires_grad_()
    guided(torch.randn(3, 24), SIZES).sum().backward()
    assert all(p.grad is None for p in guided.weaker.parameters())
    assert guided.out.weight.grad.abs().sum() > 0


def test_an_autoguidance_that_leads_back_is_refused():
    with pytest.raises(ConfigError, match=r"autoguidance=0\.5 must be at least 1"):
        DenoisingSampler(24, 6, width=24, autoguidance=0.5)


def test_a_gradient_goes_through_the_last_steps_only(sampler):
    noise = torch.randn(3, 6 * SHARE, requires_grad=True)
    sampler(noise, SIZES).sum().backward()
    assert noise.grad is None
    assert all(p.grad is not None for p in sampler.parameters())
    sampler.trained_steps = sampler.steps
    sampler(noise, SIZES).sum().backward()
    assert noise.grad.abs().sum() > 0


def test_a_generator_with_it_is_rebuilt_from_its_config(generator):
    sizes = torch.tensor([2, 9])
    noise = generator.draw_noise(2, None, torch.device("cpu"))
    assert noise.shape == (2, 9 * SHARE)
    copy = rebuild(generator.config)
    copy.load_state_dict(generator.state_dict())
    assert copy(noise, sizes).pairs.equal(generator(noise, sizes).pairs)
    latent = generator.latent(noise, sizes)
    assert latent[0, 2 * SHARE :].eq(0).all()
    assert latent[1].unflatten(0, (9, SHARE)).mean(1).abs().max() < 1e-5


def test_conditions_are_heeded_once_they_have_been_learnt(generator):
    asked = generator.with_conditions(2)
    sizes = torch.tensor([4, 9])
    noise = generator.draw_noise(2, None, torch.device("cpu"))
    wanted = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
    torch.testing.assert_close(asked.latent(noise, sizes, wanted), generator.latent(noise, sizes))
    torch.nn.init.normal_(asked.sampler.conditions.weight)
    torch.nn.init.normal_(asked.sampler.scales.weight)
    assert not torch.allclose(asked.latent(noise, sizes, wanted), asked.latent(noise, sizes))


@pytest.mark.parametrize("settings", [{"steps": 1}, {"steps": 4, "trained_steps": 5}])
def test_steps_that_cannot_be_are_refused(settings):
    with pytest.raises(ConfigError, match="at least 2 steps"):
        DenoisingSampler(24, 6, width=24, **settings)


def test_a_second_look_undoes_an_error(sampler, monkeypatch):
    """With the true velocity of two distant points, one in between ends at either."""
    peaks = torch.stack([torch.ones(6 * SHARE), -torch.ones(6 * SHARE)])

    def true_velocity(here, angles, sizes, conditions=None):
        level = angles.tan()[:, None]
        distance = (here[:, None] / angles.cos()[:, None, None] - peaks).square().sum(-1)
        share = torch.softmax(-0.5 * distance / level.square(), 1)
        point = share @ peaks
        noise = (here - angles.cos()[:, None] * point) / angles.sin()[:, None]
        return noisy_point(point, noise, angles)[1]

    monkeypatch.setattr(sampler, "velocity", true_velocity)
    torch.manual_seed(0)
    between = 0.2 * torch.randn(3, 6 * SHARE)
    looked = sampler.again(between, torch.randn(3, 6 * SHARE), SIZES)
    assert torch.cdist(looked, peaks).min(1).values.max() < 0.1
    # From a point of the data, little noise leads back to it.
    torch.testing.assert_close(
        sampler.again(peaks, torch.randn(2, 6 * SHARE), SIZES[:2]), peaks, atol=0.1, rtol=0
    )


def test_a_finished_model_is_drawn_from_with_other_steps(generator):
    other = generator.drawn_with({"autoguidance": 1.0, "steps": 5, "look_levels": [0.5]})
    assert (other.sampler.autoguidance, other.sampler.steps) == (1.0, 5)
    assert other.sampler.look_levels == [0.5]
    for name, weight in generator.state_dict().items():
        assert weight.equal(other.state_dict()[name])
    noise, sizes = torch.randn(2, generator.noise_dim), torch.tensor([4, 9])
    assert not torch.allclose(other.latent(noise, sizes), generator.latent(noise, sizes))
    back = other.drawn_with({"autoguidance": 2.0, "steps": 3})
    assert back.latent(noise, sizes).equal(generator.latent(noise, sizes))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"width": 48}, "denoising: there is no width; .* there are: steps, noise_levels"),
        ({"autoguidance": 0.2}, "autoguidance=0.2 must be at least 1"),
        ({"look_levels": [0.2, 0.5]}, r"look_levels=\[0.2, 0.5\] must fall"),
        ({"look_levels": []}, r"look_levels=\[\] must fall"),
        ({"steps": "many"}, "denoising=.*many"),
    ],
)
def test_steps_that_a_finished_model_cannot_take_are_refused(generator, settings, said):
    with pytest.raises(ConfigError, match=said):
        generator.drawn_with(settings)


def test_a_model_of_one_pass_has_no_steps(types):
    one = LatentGenerator(**types, max_atoms=9, latent_dim=8, sampler_width=8, decoder_width=8)
    with pytest.raises(ConfigError, match="this model draws in one pass"):
        one.drawn_with({"autoguidance": 1.0})


@pytest.mark.parametrize("max_atoms", [9, 20, 30])
def test_every_look_has_a_noise_of_its_own(generator, monkeypatch, max_atoms):
    config = generator.config | {"max_atoms": max_atoms}
    larger = rebuild(config)
    noise, sizes = torch.randn(1, larger.noise_dim), torch.tensor([max_atoms])
    looks = [noise]
    monkeypatch.setattr(
        larger.sampler, "again", lambda points, moved, *_: looks.append(moved) or points
    )
    for turn in range(1, 9):
        larger.again(noise, noise, turn, sizes)
    assert len({look.flatten()[0].item() for look in looks}) == 9


def test_looks_follow_from_the_molecules_own_noise(generator):
    noise, sizes = torch.randn(3, generator.noise_dim), torch.tensor([3, 5, 9])
    points = generator.latent(noise, sizes)
    first, second = (generator.again(points, noise, turn, sizes) for turn in (1, 2))
    assert not torch.allclose(first, second)
    assert first.equal(generator.again(points, noise, 1, sizes))
    # On the sphere of the encoder's points, and one by one as in a batch.
    torch.testing.assert_close(first, generator.normalised(first, sizes))
    alone = generator.again(points[1:2], noise[1:2], 1, sizes[1:2])
    torch.testing.assert_close(alone, first[1:2])
