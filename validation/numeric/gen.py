"""High-precision reference values for the distribution functions.

Every probability is computed from the doubles that the CSV holds, read as exact rationals, with
no special-function library in between where it matters:

* incomplete beta: the series of positive terms x^a y^b/(a B) sum (a+b)_k/(a+1)_k x^k (DLMF
  8.17.8) on the side where x <= 1/2, in fixed-point integer arithmetic with at least 200 guard
  bits beyond the size of the answer; ln B by mpmath's loggamma;
* incomplete gamma: the series x^a e^-x/Gamma(a+1) sum x^k/(a+1)_k (DLMF 8.11.4), same arithmetic;
* normal: mpmath.erfc.

Quantiles are found by Newton's method on those functions, from a double-precision start, until
the step is below 1e-30. A sample of rows is checked against mpmath.betainc / gammainc and against
numerical integration of the density; the script stops if they differ by more than 1e-28.

Usage: python gen.py   (writes normal.csv, t.csv, f.csv, beta.csv, chisq.csv; about a minute)
"""

import csv
import random
from fractions import Fraction

import mpmath as mp
from scipy import special, stats

DPS = 60
mp.mp.dps = DPS
BITS = 512


def exact(x):
    """A double, or an integer ratio, as an mpf without rounding."""
    return mp.mpf(x)


def positive_series(first_top, first_bottom, factor, bits):
    """1 + sum over k of prod (first_top + j)/(first_bottom + j) * factor, j < k; all positive."""
    one = 1 << bits
    frac = Fraction(factor)
    top, bottom = Fraction(first_top), Fraction(first_bottom)
    # term_{k+1} = term_k * (top + k) * factor / (bottom + k), in fixed point.
    scale = max(top.denominator, bottom.denominator)
    t, b = int(top * scale), int(bottom * scale)
    num, den = frac.numerator, frac.denominator
    shift = den.bit_length() - 1
    assert den == 1 << shift, "factor must be dyadic"
    term, total, k = one, one, 0
    while True:
        term = (term * (t + k * scale) * num // (b + k * scale)) >> shift
        if term == 0:
            return mp.mpf(total) / one
        total += term
        k += 1
        assert k < 20_000_000


def beta_tail(a, b, x, extra=0):
    """P(X <= x) for Beta(a, b), x a dyadic Fraction <= 1/2; `extra` more decimal digits."""
    with mp.workdps(DPS + 30 + extra):
        A, B = mp.mpf(a), mp.mpf(b)
        X = mp.mpf(x.numerator) / x.denominator
        log = A * mp.log(X) + B * mp.log1p(-X) - mp.log(A) - log_beta(A, B)
        series = positive_series(Fraction(a) + Fraction(b), Fraction(a) + 1, x, BITS + 4 * extra)
        return mp.exp(log) * series


_cache = {}


def log_beta(a, b):
    key = (a, b, mp.mp.prec)
    if key not in _cache:
        _cache[key] = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return _cache[key]


def dyadic(x, bits):
    """The nearest multiple of 2^-bits' relative size to x, as a Fraction."""
    m, e = mp.frexp(x)
    n = int(mp.nint(mp.ldexp(m, bits)))
    e = int(e) - bits
    return Fraction(n) * (Fraction(2) ** e)


def beta_both(a, b, x):
    """(P(X <= x), P(X > x)) for a Fraction x."""
    if x <= Fraction(1, 2):
        low = beta_tail(a, b, x)
        with mp.workdps(DPS + 30):
            return low, 1 - low
    high = beta_tail(b, a, 1 - x)
    with mp.workdps(DPS + 30):
        return 1 - high, high


def beta_root(a, b, p, upper, start):
    """x with the given tail equal to p: Newton on ln(tail) in logit(x); returns (x, 1 - x)."""
    s = mp.mpf(start)
    p = mp.mpf(p)
    # The tail may be found as 1 minus the other one: carry the digits that this costs.
    extra = 10 + int(-mp.log10(p))
    with mp.workdps(DPS + 10 + extra):
        for _ in range(2000):
            small = 1 / (1 + mp.exp(abs(s)))  # the smaller of x and 1 - x
            xf = dyadic(small, 240 + 4 * extra)
            low_side = s <= 0
            t = beta_tail(a, b, xf, extra) if low_side else beta_tail(b, a, xf, extra)
            X = mp.mpf(xf.numerator) / xf.denominator
            x, y = (X, 1 - X) if low_side else (1 - X, X)
            lower, up = (t, 1 - t) if low_side else (1 - t, t)
            tail = up if upper else lower
            g = mp.exp(a * mp.log(x) + b * mp.log(y) - log_beta(mp.mpf(a), mp.mpf(b)))
            s_here = mp.log(x) - mp.log(y)
            sign = -1 if upper else 1
            if tail <= 0:
                s = s_here + sign * mp.mpf(1)
                continue
            step = -sign * mp.log(tail / p) * tail / g
            step = max(min(step, mp.mpf(20)), mp.mpf(-20))
            s = s_here + step
            if abs(step) < mp.mpf(10) ** -30 * max(1, abs(s)):
                e = mp.exp(s)
                return e / (1 + e), 1 / (1 + e)
    raise RuntimeError(f"no convergence for beta {a} {b} {p} {upper}")


def gamma_both(a, x):
    """(P(a, x), Q(a, x)) for a Fraction x."""
    with mp.workdps(DPS + 60):
        A = mp.mpf(a)
        X = mp.mpf(x.numerator) / x.denominator
        # prod x/(a + 1 + j): the same recurrence without the (top + k).
        one = 1 << BITS
        bottom = Fraction(a) + 1
        scale = bottom.denominator
        b = int(bottom * scale)
        num, den = x.numerator * scale, x.denominator
        shift = den.bit_length() - 1
        term, total, k = one, one, 0
        while term:
            term = (term * num // (b + k * scale)) >> shift
            total += term
            k += 1
        low = mp.exp(A * mp.log(X) - X - mp.loggamma(A + 1)) * mp.mpf(total) / one
        return low, 1 - low


def gamma_root(a, p, upper, start):
    s, p = mp.log(mp.mpf(start)), mp.mpf(p)
    for _ in range(200):
        x = dyadic(mp.exp(s), 240)
        low, up = gamma_both(a, x)
        tail = up if upper else low
        X = mp.mpf(x.numerator) / x.denominator
        g = mp.exp(a * mp.log(X) - X - mp.loggamma(mp.mpf(a)))
        sign = -1 if upper else 1
        if tail <= 0:
            s = mp.log(X) + sign
            continue
        step = -sign * mp.log(tail / p) * tail / g
        step = max(min(step, mp.mpf(5)), mp.mpf(-5))
        s = mp.log(X) + step
        if abs(step) < mp.mpf(10) ** -30:
            return mp.exp(s)
    raise RuntimeError(f"no convergence for gamma {a} {p} {upper}")


def text(v):
    """25 significant digits."""
    return mp.nstr(mp.mpf(v), 25, strip_zeros=True)


def write(name, header, rows):
    with open(name, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        w.writerows(rows)
    print(name, len(rows), flush=True)


TAIL = [1e-10, 1e-6, 1e-3, 0.005, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.49, 0.4999]
BOTH = TAIL + [0.5, 0.6, 0.75, 0.9, 0.975, 0.999, 1 - 1e-6, 1 - 1e-10]


def logit_start(x, y=None):
    y = 1 - x if y is None else y
    return float(mp.log(x) - mp.log(y))


def table_normal():
    rows = []
    for p in [1e-300, 1e-100, 1e-40, 1e-20, 1e-15] + TAIL:
        z = mp.mpf(-special.ndtri(p))
        for _ in range(8):
            tail = mp.erfc(z / mp.sqrt(2)) / 2
            z += mp.log(tail / mp.mpf(p)) * tail / mp.npdf(z)
        rows.append(["quantile_upper", repr(p), text(z)])
    for z in [1e-8, 0.01, 0.5, 1.0, 1.96, 3.0, 5.0, 8.0, 12.5, 20.0, 30.0, 37.5]:
        rows.append(["sf", repr(z), text(mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2)])
        rows.append(["sf", repr(-z), text(mp.erfc(-mp.mpf(z) / mp.sqrt(2)) / 2)])
    write("normal.csv", ["function", "argument", "value"], rows)


def t_sf(t, df):
    """Upper tail for a Fraction t > 0: half the lower tail of Beta(df/2, 1/2) at df/(df + t^2)."""
    nu = Fraction(df)
    a = float(nu / 2)
    extra = 500  # tails down to 1e-200 may be found as 1 minus the other tail
    with mp.workdps(DPS + extra):
        y = t * t / (nu + t * t)  # not dyadic: rounded far below the guard digits
        small = min(y, 1 - y)
        point = dyadic(mp.mpf(small.numerator) / small.denominator, 2000)
        if small == y:
            return (1 - beta_tail(0.5, a, point, extra)) / 2
        return beta_tail(a, 0.5, point, extra) / 2


def table_t():
    dfs = [0.1, 0.5, 1, 1.5, 2, 2.7, 3, 5, 8, 14, 29.3, 100, 199, 1000, 12345.6, 1e5, 1e6, 1e7, 1e9, 1e10, 1e15]
    rows = []
    with mp.workdps(90):
        for df in dfs:
            a = df / 2
            for q in ([1e-300, 1e-100, 1e-40] if df <= 1e5 else []) + TAIL:
                # Leading term of the tail for heavy tails, else a double-precision quantile.
                heavy = (mp.log(2 * mp.mpf(q)) + mp.log(a) + log_beta(mp.mpf(a), mp.mpf(0.5))) / a
                guess = float(stats.t.isf(q, df)) if df < 1e8 else float(-special.ndtri(q))
                start = heavy if heavy < -60 else mp.log(df) - 2 * mp.log(guess)
                if heavy < -1400:
                    continue  # t beyond the largest double
                x, y = beta_root(a, 0.5, mp.mpf(2) * mp.mpf(q), False, start)
                rows.append(["quantile_upper", repr(float(df)), repr(q), text(mp.sqrt(mp.mpf(df) * y / x))])
            for t in [1e-6, 0.1, 0.9, 1.0, 1.96, 2.5, 4.0, 6.5, 12.0, 30.0]:
                if t * t / 2 > 600 and df > 1000:
                    continue
                rows.append(["sf", repr(float(df)), repr(t), text(t_sf(Fraction(t), df))])
    write("t.csv", ["function", "df", "argument", "value"], rows)


def table_beta():
    rows = []
    pairs = [(a, b) for a in (0.5, 1, 2.3, 17.7, 79.9, 80.1, 412.25, 1e4, 1e6, 1e7)
             for b in (0.5, 1, 3.6, 63.1, 81.0, 1234.5, 1e5, 1e7)]
    pairs += [(0.001, 1.001), (0.001, 30.999), (0.02, 0.7), (0.25, 1e6 + 0.75), (1.001, 0.001),
              (30.999, 0.001), (0.001, 1e6), (0.37, 12.9), (4.0, 179.9), (5.0, 178.9), (1.0, 46.3),
              (1e6 + 0.5, 0.25), (123.4, 0.003), (1e-3, 1e-3), (0.3, 0.4)]
    random.seed(175)
    for _ in range(60):  # Korn-Graubard parameters as they come
        n = 10 ** random.uniform(0.5, 5.5)
        p = random.random() ** 3
        pairs += [(n * p, n * (1 - p) + 1), (n * p + 1, n * (1 - p))]
    for i, (a, b) in enumerate(pairs):
        a, b = float(a), float(b)
        large = a + b > 1e5
        for p in ([1e-10, 1e-3, 0.025, 0.3, 0.5, 0.9, 0.975, 1 - 1e-10] if large or i > 95 else BOTH):
            x0 = float(special.betaincinv(a, b, p))
            y0 = float(special.betaincinv(b, a, 1 - p))
            if x0 > 0 and y0 > 0:
                start = logit_start(x0, y0 if y0 < 0.5 else 1 - x0)
            elif y0 <= 0:
                start = float(-(mp.log(1 - mp.mpf(p)) + mp.log(b) + log_beta(mp.mpf(a), mp.mpf(b))) / b)
            else:
                start = float((mp.log(p) + mp.log(a) + log_beta(mp.mpf(a), mp.mpf(b))) / a)
            if start < -690:
                continue  # below the smallest double
            upper = p > 0.5
            tail = 1 - mp.mpf(p) if upper else mp.mpf(p)
            x, _ = beta_root(a, b, tail, upper, start)
            rows.append(["quantile", repr(a), repr(b), repr(p), text(x)])
            xd = float(x)
            if 1e-280 < xd < 1 and (not large or p in (1e-3, 0.5, 0.975)):
                low, up = beta_both(a, b, Fraction(xd))
                rows.append(["cdf", repr(a), repr(b), repr(xd), text(low)])
                rows.append(["sf", repr(a), repr(b), repr(xd), text(up)])
        if i % 20 == 0:
            print("beta", i, len(pairs), flush=True)
    write("beta.csv", ["function", "a", "b", "argument", "value"], rows)


def table_f():
    rows = []
    ds = [0.7, 1.0, 2.0, 3.3, 14.0, 120.0, 1000.5, 1e5, 1e6]
    for d1 in ds:
        for d2 in ds:
            if d1 + d2 > 1.5e6:
                continue
            for q in (1e-10, 1e-3, 0.05, 0.5, 0.9, 0.999):
                f0 = float(stats.f.isf(q, d1, d2))
                start = float(mp.log(d1) + mp.log(f0) - mp.log(d2))
                upper = q <= 0.5
                tail = mp.mpf(q) if upper else 1 - mp.mpf(q)
                x, y = beta_root(d1 / 2, d2 / 2, tail, upper, start)
                f = x / y * mp.mpf(d2) / mp.mpf(d1)
                rows.append(["quantile_upper", repr(d1), repr(d2), repr(q), text(f)])
                fd = Fraction(float(f))
                D1, D2 = Fraction(d1), Fraction(d2)
                X = D1 * fd / (D1 * fd + D2)
                small = X if X <= Fraction(1, 2) else 1 - X
                with mp.workdps(120):
                    xv = dyadic(mp.mpf(small.numerator) / small.denominator, 300)
                if X <= Fraction(1, 2):
                    up = 1 - beta_tail(d1 / 2, d2 / 2, xv)
                else:
                    up = beta_tail(d2 / 2, d1 / 2, xv)
                rows.append(["sf", repr(d1), repr(d2), repr(float(f)), text(up)])
    # The case where R's qf is off in the sixth digit.
    x, y = beta_root(0.5, 5e4, mp.mpf(0.001), False, -25.0)
    rows.append(["quantile", "1.0", "100000.0", "0.001", text(x / y * mp.mpf(10) ** 5)])
    write("f.csv", ["function", "d1", "d2", "argument", "value"], rows)


def table_chisq():
    rows = []
    for df in (0.002, 0.1, 0.5, 1, 1.9, 2, 3, 7.7, 14, 100, 159.9, 160.1, 1000, 12345.6, 1e6, 1e7):
        df = float(df)
        for q in BOTH:
            upper = q <= 0.5
            tail = mp.mpf(q) if upper else 1 - mp.mpf(q)
            x0 = float(stats.chi2.isf(q, df)) / 2
            if not 1e-280 < x0:
                x0 = float(mp.exp((mp.log(tail) + mp.loggamma(df / 2 + 1)) * 2 / df))
            if not 1e-280 < x0:
                continue
            x = gamma_root(df / 2, tail, upper, x0)
            rows.append(["quantile_upper", repr(df), repr(q), text(2 * x)])
            xd = float(2 * x)
            low, up = gamma_both(df / 2, Fraction(xd) / 2)
            rows.append(["cdf", repr(df), repr(xd), text(low)])
            rows.append(["sf", repr(df), repr(xd), text(up)])
    write("chisq.csv", ["function", "df", "argument", "value"], rows)


def self_check():
    """The series against mpmath's own functions and against integration."""
    def close(u, v, what):
        assert abs(u - v) <= mp.mpf(10) ** -28 * abs(v), (what, u, v)

    for a, b, x in [(0.5, 0.5, 0.25), (2.3, 3.6, 0.4), (17.7, 63.1, 0.2), (0.001, 30.999, 0.01), (5.0, 1.0, 0.125)]:
        close(beta_tail(a, b, Fraction(x)), mp.betainc(a, b, 0, x, regularized=True), (a, b, x))
    for a, b, x in [(1e4, 1e5, 0.09), (1e6, 1e6, 0.4995)]:
        X = mp.mpf(x)
        sd = mp.sqrt(mp.mpf(a) * b / mp.mpf(a + b) ** 3)
        cut = [max(X - k * sd, mp.mpf(10) ** -9) for k in (40, 20, 10, 5, 2, 1, 0)]
        lb = log_beta(mp.mpf(a), mp.mpf(b))
        dens = lambda u: mp.exp((a - 1) * mp.log(u) + (b - 1) * mp.log1p(-u) - lb)
        close(beta_tail(a, b, Fraction(x)), mp.quad(dens, cut), (a, b, x))
    for a, x in [(0.5, 0.25), (3.0, 9.5), (0.001, 2.0), (50.0, 30.0)]:
        low, up = gamma_both(a, Fraction(x))
        close(low, mp.gammainc(a, 0, x, regularized=True), (a, x))
        close(up, mp.gammainc(a, x, regularized=True), (a, x))


if __name__ == "__main__":
    print("mpmath", mp.__version__)
    self_check()
    table_normal()
    table_chisq()
    table_t()
    table_f()
    table_beta()
