import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.lax.threefry import threefry2x32
from minijax.lax.threefry import PARITY, ROTATIONS, threefry2x32


# %% exercise 10.1: Which keys are equal

answer = {"A", "BC", "DEF", "GHI"}
answer = {"A", "BF", "CDEI", "GH"}


# %% exercise 10.2: A walk

def walk(key, n):
    """The places after 1, 2, ..., n steps: int32[n]."""
    def step(place, i):
        up = jax.random.bernoulli(jax.random.fold_in(key, i))
        place = place + jnp.where(up, 1, -1)
        return place, place

    return lax.scan(step, 0, jnp.arange(n))[1]


# %% exercise 10.3: A stream

from minijax.lax.threefry import threefry2x32

def stream(keys, size):
    """uint32[n, 2] -> uint32[2, n, size], the two words of each hash."""
    counter = np.zeros(size, np.uint32), np.arange(size, dtype=np.uint32)
    return np.stack(threefry2x32((keys[:, :1], keys[:, 1:]), counter))


# %% exercise 10.4: One of many

def pick(u, weights):
    """The index at u: int32."""
    sums = jnp.cumsum(weights)
    return jnp.searchsorted(sums, u * sums[-1], side="right")


# %% exercise 10.5: A slope through chance

def slopes(f, mu, sigma, key, n):
    """The derivatives of the mean by mu and by sigma."""
    def mean(mu, sigma):
        xs = mu + sigma * jax.random.normal(key, (n,))
        return jnp.mean(jax.vmap(f)(xs))

    return jax.grad(mean, (0, 1))(mu, sigma)


# %% exercise 10.6: Which hash is weak

def changed(a, b):
    """How many bits of two hashes differ, in the mean over the counters."""
    a, b = np.stack(a), np.stack(b)
    return np.unpackbits((a ^ b).view(np.uint8)).sum() / a.shape[1]

def weak(hashes, x, y):
    """The names of the hashes that break the law."""
    names, bits = [], [np.uint32(1 << i) for i in range(32)]
    for name, hash in hashes.items():
        before = hash(x, y)
        means = [changed(before, hash(x ^ bit, y)) for bit in bits]
        means += [changed(before, hash(x, y ^ bit)) for bit in bits]
        if not all(24 < mean < 40 for mean in means):
            names.append(name)
    return names


# %% exercise 10.7: Back to the counter

from minijax.lax.threefry import PARITY, ROTATIONS, threefry2x32

def unhash(key, hashed):
    """The counter with threefry2x32(key, counter) == hashed."""
    keys = [*key, key[0] ^ key[1] ^ PARITY]
    x, y = hashed
    for i in reversed(range(5)):
        x, y = x - keys[(i + 1) % 3], y - keys[(i + 2) % 3] - np.uint32(i + 1)
        for r in reversed(ROTATIONS[i % 2]):
            y = y ^ x
            y = y >> np.uint32(r) | y << np.uint32(32 - r)
            x = x - y
    return x - keys[0], y - keys[1]


# %% exercise 10.8: A pack of any size

def noise(key, r, x):
    """4 random bits for a round and a number."""
    return jax.random.bits(jax.random.fold_in(jax.random.fold_in(key, r), x)) & 15

def card(key, i, n):
    """Card i of n: each of 0, ..., n - 1 is one of them."""
    def mix(x):
        left, right = x >> 4, x & 15
        for r in range(4):
            left, right = right, left ^ noise(key, r, right)
        return left << 4 | right

    return lax.while_loop(lambda x: x >= n, mix, mix(i))
