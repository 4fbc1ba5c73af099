"""The error function and the gamma function."""

from __future__ import annotations

inf, nan = float("inf"), float("nan")

# --- the error function ----------------------------------------------------------------------

XLA_ERF_OVER = (0.000229050653, 0.00340829091, 0.0509556942, 0.185208321, 1.12837911)
XLA_ERF_UNDER = (-1.17916031e-07, 2.35479656e-05, 0.00101796258, 0.0140704699, 0.110985048,
                 0.497469246, 1.0)
XLA_ERF_INV_CENTRAL = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06,
                       0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)
XLA_ERF_INV_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844,
                    0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)
ERF_f32 = (7.875875e-05, -0.00080168643, 0.0051890872, -0.026854211, 0.11283594, -0.37612626,
           1.1283791)  # erf(x) / x, |x| <= 1, of x**2
ERF_f64 = (5.957176147748911e-11, -1.1372848856791674e-09, 1.4659775274047436e-08,
           -1.6350312701054695e-07, 1.6461000484121368e-06, -1.4925595266831182e-05,
           0.0001205533111164271, -0.000854832698083379, 0.0052239776248180145,
           -0.026866170645076792, 0.11283791670954879, -0.3761263890318375, 1.1283791670955126)
# (1 + 2x) e**x**2 erfc(x), of (x - c) / (x + c)
CENTRE_f32, CENTRE_f64 = 2.0, 3.75
ERFCX_f32 = (6.807515e-05, 0.00016084034, -0.0003709284, -0.001395805, 0.0012305032, 0.008689253,
             -0.008024739, -0.054211996, 0.1640505, -0.16603109, -0.09276382, 1.2769784)
ERFCX_f64 = (
    3.2052623379289157e-10, -2.618520156503145e-09, -3.798189797736207e-09, 3.195398612057818e-08,
    2.3398534313040898e-08, -2.4851108650210706e-07, -5.741076073013916e-08,
    1.7419011945194367e-06, -9.733875167494142e-07, -1.1437980374495534e-05,
    2.2384138525656757e-05, 5.164649341002877e-05, -0.00029015404203352704, 0.000293714390578856,
    0.001755625843431864, -0.00974657968596217, 0.028362277420377335, -0.05869339857631061,
    0.09230432116025894, -0.10880393014246645, 0.08227673849014977, 0.003585415485479575,
    -0.14024059858554702, 1.2375126308378275)
FURTHEST_f32, FURTHEST_f64 = 10.5, 28.0  # where erfc is 0


def erf_f32(x):
    """The error function. XLA's own bits; within 5 ulp."""
    x2 = x * x
    inside = x * horner(x2, XLA_ERF_OVER) / horner(x2, XLA_ERF_UNDER)
    return select(fabs(x) >= float32(3.8325069), copysign(float32(1), x), inside)


def erf_f64(x):
    """The error function: 1 - erfc(x) where x > 1, else a series. Within 2 ulp."""
    near = x * horner(x * x, ERF_f64)
    return select(fabs(x) < 1.0, near, copysign(1.0 - erfc_tail_f64(fabs(x)), x))


def erfc_tail_f(t):
    """erfc(t), t >= 0: e**-t**2 with what t**2 loses in rounding, times a series."""
    t = select(t > floating(FURTHEST_f), floating(FURTHEST_f), t)
    s = t * t
    lost = fma(t, t, -s)
    p = horner((t - floating(CENTRE_f)) / (t + floating(CENTRE_f)), ERFCX_f)
    p = p / (t + t + floating(1))
    return exp_times_f(-s, 0.0) * fma(-lost, p, p)


def erfc_f(x):
    """1 - erf(x), also where that would cancel. Within 4 ulp."""
    t = fabs(x)
    tail = erfc_tail_f(t)
    far = select(x < floating(0), floating(2) - tail, tail)
    return select(t < floating(0.5), floating(1) - x * horner(x * x, ERF_f), far)


ERF_INV_NEAR = (  # of w - 3.125
    -2.362369698566107e-22, -1.6787330615256773e-19, 1.1027771591500033e-18,
    1.1125794759379464e-17, -1.290702354613073e-16, 2.166994626283574e-17, 6.581955305929239e-15,
    -4.0554139746886e-14, -8.106594456438496e-14, 2.6335724924608484e-12, -1.2977505202014966e-11,
    -5.4154417754696635e-11, 1.0512202440121784e-09, -4.112633104297614e-09,
    -2.907038666019143e-08, 4.2347877672780653e-07, -1.3654691796592068e-06,
    -1.3882523361276876e-05, 0.0001867342080212427, -0.0007407025341669402, -0.006033670871427011,
    0.2401581824255897, 1.6536545626831027)
ERF_INV_FAR = (  # of sqrt(w) - 4.3
    2.884071031389934e-14, -1.1029082022897995e-13, -3.6166325456814164e-13,
    2.2928625901628356e-12, -2.267018154051256e-12, -6.765814914831389e-12, 3.407138947687931e-11,
    -1.3133317818614737e-10, 3.023468819563305e-10, 9.889895585730513e-11, -3.074360359816843e-09,
    1.105503860175334e-08, -2.099068384484354e-08, 7.709724004973932e-09, 1.038091125935302e-07,
    -4.554571649094172e-07, 1.22291450095272e-06, -2.5342804231578012e-06, 4.519575390605089e-06,
    -8.142426929419127e-06, 1.8785620240072502e-05, -5.832285755458827e-05, 0.00019685383461770403,
    -0.0005670163611133875, 0.0006246699907177, 1.0100450970686785, 4.142724044720679)


def erf_inv_ends_f(x, y):
    """y, the inverse at x: infinite at -1 and 1, nan outside."""
    y = select(fabs(x) < floating(1), y, floating(nan))
    return select(fabs(x) == floating(1), copysign(floating(inf), x), y)


def erf_inv_f32(x):
    """The inverse of `erf`. XLA's own bits; within 4 ulp for |x| < 0.99, at the ends 1e-5."""
    w = -log1p_f32(x * -x)
    near = horner(w - float32(2.5), XLA_ERF_INV_CENTRAL)
    far = horner(sqrt(w) - float32(3), XLA_ERF_INV_TAIL)
    return erf_inv_ends_f32(x, select(w < float32(5), near, far) * x)


def erf_inv_f64(x):
    """The inverse of `erf`, as a function of w = -log(1 - x**2) (Giles). Within 5 ulp."""
    w = -log_f64((1.0 - x) * (1.0 + x))
    near = horner(w - 3.125, ERF_INV_NEAR)
    far = horner(sqrt(w) - 4.3, ERF_INV_FAR)
    return erf_inv_ends_f64(x, select(w < 6.25, near, far) * x)


# --- the gamma function ----------------------------------------------------------------------
# On [1, 2] polynomials, from 8 on Stirling's series; what is between has whole steps to [1, 2].

LGAMMA_f64 = (
    1.1820969445467145e-05, -1.8527803997032962e-05, 1.3584275459130943e-05, -2.148770252062576e-05,
    4.281642862794779e-05, -6.793733027397047e-05, 0.00010541715222185904, -0.0001685717945035172,
    0.00027130273545114005, -0.00043803516132580534, 0.0007115202752051298, -0.001164411377219605,
    0.0019229162321227923, -0.0032120742206072908, 0.005446457842219553, -0.009425622444829649,
    0.01679709863121395, -0.03130848750105327, 0.06291140107456485, -0.14595989591430594,
    0.4831289505409809)  # lgamma(z) / ((z - 1) (z - 2)), of z - 3/2
DIGAMMA_f64 = (
    0.0002522590506964885, -0.0003783907897248858, 0.00023650171719339814, -0.00035476352053371977,
    0.0007184107969046378, -0.0010776863967234226, 0.0015580749137213761, -0.002337552647103118,
    0.0035187504361950134, -0.005280903066090605, 0.007926972735646359, -0.011908146513976738,
    0.017907250563619775, -0.026975800029253667, 0.0407608338843387, -0.06192213319072707,
    0.09498872445354183, -0.14840492305485808, 0.24054248424078478, -0.4236274212814573,
    0.9510558760318328)  # digamma(z) / (z - root), of z - 3/2
ROOT, ROOT_LOW = 1.4616321449683622, 9.549995429965697e-17
STIRLING = (-1.3924322169059011, 0.17964437236883057, -0.029550653594771242, 0.00641025641025641,
            -0.0019175269175269176, 0.0008417508417508417, -0.0005952380952380953,
            0.0007936507936507937, -0.002777777777777778, 0.08333333333333333)
BERNOULLI = (3.0539543302701198, -0.4432598039215686, 0.08333333333333333, -0.021092796092796094,
             0.007575757575757576, -0.004166666666666667, 0.003968253968253968,
             -0.008333333333333333, 0.08333333333333333)


def steps_down(x):
    """z from 1 to 2, x - z a whole number, and the product (x-1) (x-2) ... z, for x from 1 to 8."""
    product = 1.0
    for j in range(1, 7):
        product = select(x >= j + 1.0, product * (x - j), product)
    return x - floor(x) + 1.0, product


def lgamma_positive(x):
    """log gamma(x), x > 0."""
    below = x < 1.0
    z, product = steps_down(x)
    z = select(below, x + 1.0, z)
    large = x >= 8.0
    log_part = log_f64(select(below | large, x, product))
    zeros = select(below, x * (x - 1.0), (z - 1.0) * (z - 2.0))  # x + 1 is rounded
    near = zeros * horner(z - 1.5, LGAMMA_f64)
    near = select(below, near - log_part, near + log_part)
    w = 1.0 / x
    far = fma(x - 0.5, log_part - 1.0, 0.4189385332046727) + w * horner(w * w, STIRLING)
    return select(large, select(x == inf, x, far), near)


def lgamma_f64(x):
    """log |gamma(x)|. Within 4 ulp for x > 0; for x < 0 that far from zero only, else 1e-15."""
    t = fabs(x)
    y = lgamma_positive(t)
    f = t - rint(t)
    s = fabs(sin_f64(f * 3.141592653589793))
    reflected = select(s == 0.0, inf, log_f64(3.141592653589793 / (t * s)) - y)
    y = select(x < 0.0, reflected, y)
    return select(t == inf, t, select(t == 0.0, inf, y))


def digamma_positive(x):
    """The derivative of log gamma, x > 0."""
    below = x < 1.0
    z = x - floor(x) + 1.0
    z = select(below, x + 1.0, z)
    y = (z - ROOT - ROOT_LOW) * horner(z - 1.5, DIGAMMA_f64)
    for j in range(1, 7):
        y = select(x >= j + 1.0, y + 1.0 / (x - j), y)
    w = 1.0 / x
    far = log_f64(x) - 0.5 * w - w * w * horner(w * w, BERNOULLI)
    return select(x >= 8.0, far, select(below, y - w, y))


def digamma_f64(x):
    """The derivative of log gamma. Within 4 ulp for x > 0; for x < 0 not near its zeros."""
    t = fabs(x)
    y = digamma_positive(t)
    f = t - rint(t)
    reflected = y + 1.0 / t + 3.141592653589793 / tan_f64(f * 3.141592653589793)
    y = select(x < 0.0, select(f == 0.0, nan, reflected), y)
    return select(x == 0.0, nan, select(x == inf, x, y))


def lgamma_f32(x):
    """log |gamma(x)|, in float64. Within 1 ulp."""
    return float32(lgamma_f64(float64(x)))


def digamma_f32(x):
    """The derivative of log gamma, in float64. Within 1 ulp."""
    return float32(digamma_f64(float64(x)))
