//! What a generalised linear model assumes of its outcome.

use crate::numeric::distributions::{normal_cdf, normal_pdf, normal_quantile};

/// How the variance of the outcome goes with its mean, up to a factor (the quasi-likelihood families of
/// McCullagh and Nelder 1989, ch. 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Family {
    /// V(μ) = 1.
    #[default]
    Gaussian,
    /// V(μ) = μ(1 − μ), outcomes from 0 to 1.
    Binomial,
    /// V(μ) = μ, outcomes of 0 or more.
    Poisson,
    /// V(μ) = μ², outcomes above 0.
    Gamma,
}

/// How the mean goes with the linear predictor η.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Link {
    /// μ = η.
    #[default]
    Identity,
    /// ln(μ/(1 − μ)) = η.
    Logit,
    /// μ = Φ(η).
    Probit,
    /// ln(−ln(1 − μ)) = η.
    Cloglog,
    /// ln μ = η.
    Log,
}

impl Family {
    /// V(μ).
    pub fn variance(self, mu: f64) -> f64 {
        match self {
            Family::Gaussian => 1.0,
            Family::Binomial => mu * (1.0 - mu),
            Family::Poisson => mu,
            Family::Gamma => mu * mu,
        }
    }

    /// The deviance of one outcome: twice ∫ (y − t)/V(t) dt from μ to y.
    pub fn deviance(self, y: f64, mu: f64) -> f64 {
        // x ln(x/m), 0 at x = 0.
        let part = |x: f64, m: f64| if x > 0.0 { x * (x / m).ln() } else { 0.0 };
        match self {
            Family::Gaussian => (y - mu) * (y - mu),
            Family::Binomial => 2.0 * (part(y, mu) + part(1.0 - y, 1.0 - mu)),
            Family::Poisson => 2.0 * (part(y, mu) - (y - mu)),
            Family::Gamma => 2.0 * ((y - mu) / mu - (y / mu).ln()),
        }
    }

    /// Whether an outcome can occur.
    pub fn allows(self, y: f64) -> bool {
        match self {
            Family::Gaussian => y.is_finite(),
            Family::Binomial => (0.0..=1.0).contains(&y),
            Family::Poisson => y >= 0.0 && y.is_finite(),
            Family::Gamma => y > 0.0 && y.is_finite(),
        }
    }

    /// Its outcomes, in words.
    pub(super) fn range(self) -> &'static str {
        match self {
            Family::Gaussian => "finite",
            Family::Binomial => "from 0 to 1",
            Family::Poisson => "0 or more",
            Family::Gamma => "above 0",
        }
    }

    /// Whether a mean lies inside what the family knows.
    pub(super) fn holds(self, mu: f64) -> bool {
        match self {
            Family::Gaussian => mu.is_finite(),
            Family::Binomial => mu > 0.0 && mu < 1.0,
            Family::Poisson | Family::Gamma => mu > 0.0 && mu.is_finite(),
        }
    }

    /// A mean to begin with, between the outcome and the mean of all.
    pub(super) fn start(self, y: f64, mean: f64) -> f64 {
        match self {
            Family::Gaussian => y,
            Family::Binomial => (y + 0.5) / 2.0,
            Family::Poisson | Family::Gamma => (y + mean) / 2.0,
        }
    }
}

impl Link {
    /// μ at η.
    pub fn mean(self, eta: f64) -> f64 {
        match self {
            Link::Identity => eta,
            Link::Logit => 1.0 / (1.0 + (-eta).exp()),
            Link::Probit => normal_cdf(eta),
            Link::Cloglog => -(-eta.exp()).exp_m1(),
            Link::Log => eta.exp(),
        }
    }

    /// dμ/dη at η.
    pub fn slope(self, eta: f64) -> f64 {
        match self {
            Link::Identity => 1.0,
            Link::Logit => {
                let e = (-eta.abs()).exp();
                e / ((1.0 + e) * (1.0 + e))
            }
            Link::Probit => normal_pdf(eta),
            Link::Cloglog => (eta - eta.exp()).exp(),
            Link::Log => eta.exp(),
        }
    }

    /// η at μ.
    pub fn predictor(self, mu: f64) -> f64 {
        match self {
            Link::Identity => mu,
            Link::Logit => (mu / (1.0 - mu)).ln(),
            Link::Probit => normal_quantile(mu),
            Link::Cloglog => (-(-mu).ln_1p()).ln(),
            Link::Log => mu.ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: [Link; 5] = [Link::Identity, Link::Logit, Link::Probit, Link::Cloglog, Link::Log];

    #[test]
    fn links_are_inverse_and_slopes_are_derivatives() {
        for link in LINKS {
            for mu in [0.02, 0.3, 0.5, 0.9] {
                let eta = link.predictor(mu);
                assert!((link.mean(eta) - mu).abs() < 1e-12, "{link:?} {mu}");
                let h = 1e-5;
                let numeric = (link.mean(eta + h) - link.mean(eta - h)) / (2.0 * h);
                assert!((link.slope(eta) - numeric).abs() < 1e-9, "{link:?} {mu}");
            }
        }
    }

    /// The deviance is the integral of its definition, by Simpson's rule.
    #[test]
    fn deviances_are_integrals() {
        let cases = [
            (Family::Gaussian, 2.0, 0.7),
            (Family::Binomial, 0.8, 0.3),
            (Family::Poisson, 3.0, 1.2),
            (Family::Gamma, 2.5, 0.9),
        ];
        for (family, y, mu) in cases {
            let n = 2000;
            let h = (y - mu) / f64::from(n);
            let f = |i: i32| {
                let t = mu + h * f64::from(i);
                (y - t) / family.variance(t)
            };
            let inner: f64 = (1..n).map(|i| f(i) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
            let integral = 2.0 * h / 3.0 * (f(0) + inner + f(n));
            assert!((family.deviance(y, mu) - integral).abs() < 1e-9, "{family:?}");
        }
        // The ends have a limit.
        assert!((Family::Binomial.deviance(0.0, 0.25) + 2.0 * 0.75_f64.ln()).abs() < 1e-15);
        assert!((Family::Poisson.deviance(0.0, 0.25) - 0.5).abs() < 1e-15);
    }
}
