//! The distribution functions against 40-digit tables (`validation/numeric`) and against
//! themselves.

use proptest::prelude::*;
use rakewell::numeric::distributions as d;

/// Rows of a reference table without its header.
fn rows(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/validation/numeric/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|r| r.unwrap().iter().map(str::to_string).collect()).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// Collects the worst relative error of each group and fails on any row above its tolerance.
#[derive(Default)]
struct Check {
    worst: std::collections::BTreeMap<String, (f64, String)>,
    failures: Vec<String>,
    rows: usize,
}

impl Check {
    fn row(&mut self, group: &str, row: &[String], found: f64, tolerance: f64) {
        self.rows += 1;
        let wanted = number(&row[row.len() - 1]);
        let error = if found == wanted { 0.0 } else { ((found - wanted) / wanted).abs() };
        let text = format!("{row:?}: found {found:e}, relative error {error:.2e}");
        let worst = self.worst.entry(group.to_string()).or_insert((0.0, String::new()));
        if error.is_nan() || error > worst.0 {
            *worst = (error, text.clone());
        }
        if error.is_nan() || error > tolerance {
            self.failures.push(text);
        }
    }

    fn finish(self, at_least: usize) {
        for (group, (error, row)) in &self.worst {
            println!("{group}: worst relative error {error:.2e} at {row}");
        }
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
        assert!(self.rows >= at_least, "only {} rows", self.rows);
    }
}

#[test]
fn normal_table() {
    let mut check = Check::default();
    for row in rows("normal.csv") {
        let x = number(&row[1]);
        match row[0].as_str() {
            "sf" => check.row("normal sf", &row, d::normal_sf(x), 1e-15),
            "quantile_upper" => {
                check.row("normal quantile", &row, d::normal_quantile_upper(x), 1e-15);
            }
            other => panic!("{other}"),
        }
    }
    check.finish(40);
}

#[test]
fn t_table() {
    let mut check = Check::default();
    for row in rows("t.csv") {
        let (df, x) = (number(&row[1]), number(&row[2]));
        let tail = if row[0] == "sf" { number(&row[3]) } else { x };
        let ordinary = (0.5..=1e7).contains(&df) && tail >= 1e-10;
        let (group, tolerance) = if ordinary { ("ordinary", 1e-14) } else { ("extreme", 1e-12) };
        match row[0].as_str() {
            "sf" => check.row(&format!("t sf {group}"), &row, d::t_sf(x, df), tolerance),
            "quantile_upper" => {
                let found = d::t_quantile_upper(x, df);
                check.row(&format!("t quantile {group}"), &row, found, tolerance);
            }
            other => panic!("{other}"),
        }
    }
    check.finish(400);
}

#[test]
fn beta_table() {
    let mut check = Check::default();
    for row in rows("beta.csv") {
        let (a, b, x) = (number(&row[1]), number(&row[2]), number(&row[3]));
        let ordinary = a >= 0.5 && b >= 0.5;
        let (group, tolerance) = if ordinary { ("ordinary", 1e-13) } else { ("extreme", 1e-11) };
        let (name, found) = match row[0].as_str() {
            "cdf" => ("cdf", d::beta_cdf(x, a, b)),
            "sf" => ("sf", d::beta_sf(x, a, b)),
            "quantile" => ("quantile", d::beta_quantile(x, a, b)),
            other => panic!("{other}"),
        };
        check.row(&format!("beta {name} {group}"), &row, found, tolerance);
    }
    check.finish(2_000);
}

#[test]
fn f_table() {
    let mut check = Check::default();
    for row in rows("f.csv") {
        let (d1, d2, x) = (number(&row[1]), number(&row[2]), number(&row[3]));
        let (name, found) = match row[0].as_str() {
            "sf" => ("F sf", d::f_sf(x, d1, d2)),
            "quantile" => ("F quantile", d::f_quantile(x, d1, d2)),
            "quantile_upper" => ("F quantile", d::f_quantile_upper(x, d1, d2)),
            other => panic!("{other}"),
        };
        check.row(name, &row, found, 1e-13);
    }
    check.finish(800);
}

#[test]
fn chi_squared_table() {
    let mut check = Check::default();
    for row in rows("chisq.csv") {
        let (df, x) = (number(&row[1]), number(&row[2]));
        let ordinary = df >= 0.5;
        let (group, tolerance) = if ordinary { ("ordinary", 1e-13) } else { ("extreme", 1e-12) };
        let (name, found) = match row[0].as_str() {
            "cdf" => ("cdf", d::chi_squared_cdf(x, df)),
            "sf" => ("sf", d::chi_squared_sf(x, df)),
            "quantile_upper" => ("quantile", d::chi_squared_quantile_upper(x, df)),
            other => panic!("{other}"),
        };
        check.row(&format!("chi-squared {name} {group}"), &row, found, tolerance);
    }
    check.finish(900);
}

#[test]
fn edges() {
    for df in [0.5, 1.0, 30.0, 1e12, f64::INFINITY] {
        assert_eq!(d::t_quantile(0.5, df), 0.0);
        assert_eq!(d::t_quantile(0.0, df), f64::NEG_INFINITY);
        assert_eq!(d::t_quantile(1.0, df), f64::INFINITY);
        assert_eq!(d::t_sf(0.0, df), 0.5);
        assert_eq!(d::t_sf(f64::INFINITY, df), 0.0);
        assert_eq!(d::t_cdf(f64::INFINITY, df), 1.0);
    }
    assert_eq!(d::t_quantile(0.975, f64::INFINITY), d::normal_quantile(0.975));
    assert_eq!(d::beta_quantile(0.0, 2.0, 3.0), 0.0);
    assert_eq!(d::beta_quantile(1.0, 2.0, 3.0), 1.0);
    assert_eq!(d::beta_cdf(-1.0, 2.0, 3.0), 0.0);
    assert_eq!(d::beta_sf(2.0, 2.0, 3.0), 0.0);
    // The quantile is below the smallest double: (0.025)^1000.
    assert_eq!(d::beta_quantile(0.025, 0.001, 1.0), 0.0);
    assert_eq!(d::f_sf(-1.0, 3.0, 4.0), 1.0);
    assert_eq!(d::f_sf(f64::INFINITY, 3.0, 4.0), 0.0);
    assert_eq!(d::f_cdf(1.5, f64::INFINITY, f64::INFINITY), 1.0);
    let chi = d::chi_squared_sf(7.5, 3.0);
    assert_eq!(d::f_sf(2.5, 3.0, f64::INFINITY), chi);
    assert_eq!(d::chi_squared_cdf(-1.0, 3.0), 0.0);
    for bad in [f64::NAN, -1.0, 0.0] {
        assert!(d::t_quantile(0.9, bad).is_nan() && d::t_sf(1.0, bad).is_nan());
        assert!(d::f_quantile(0.9, bad, 3.0).is_nan() && d::f_sf(1.0, 3.0, bad).is_nan());
        assert!(d::beta_quantile(0.9, bad, 3.0).is_nan() && d::beta_cdf(0.5, 3.0, bad).is_nan());
        assert!(d::chi_squared_quantile(0.9, bad).is_nan());
        assert!(d::chi_squared_sf(1.0, bad).is_nan());
    }
    for bad in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        assert!(d::normal_quantile(bad).is_nan() && d::t_quantile(bad, 3.0).is_nan());
        assert!(d::f_quantile(bad, 3.0, 3.0).is_nan() && d::beta_quantile(bad, 3.0, 3.0).is_nan());
        assert!(d::chi_squared_quantile_upper(bad, 3.0).is_nan());
    }
    assert!(d::normal_sf(f64::NAN).is_nan() && d::t_sf(f64::NAN, 3.0).is_nan());
    assert!(d::f_sf(f64::NAN, 3.0, 3.0).is_nan() && d::beta_sf(f64::NAN, 3.0, 3.0).is_nan());
    assert!(d::chi_squared_sf(f64::NAN, 3.0).is_nan());
}

/// Probabilities over many orders of magnitude, from either end.
fn probability() -> impl Strategy<Value = f64> {
    prop_oneof![(-12.0..-0.3_f64).prop_map(|e| 10_f64.powf(e)), 0.01..0.99_f64]
}

fn parameter() -> impl Strategy<Value = f64> {
    (-1.0..7.0_f64).prop_map(|e| 10_f64.powf(e))
}

/// Anything at all, valid or not.
fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(0.0),
        Just(1.0),
        Just(f64::INFINITY),
        Just(f64::MIN_POSITIVE),
        0.0..1.0_f64,
        (-300.0..300.0_f64).prop_map(|e| 10_f64.powf(e)),
    ]
}

/// cdf(x) = p to 1e-12, or else p lies between the cdf of the neighbours of x: rounding x itself
/// can move a steep cdf by more.
fn hits(cdf: impl Fn(f64) -> f64, x: f64, p: f64) -> bool {
    let (low, high) = (cdf(x * (1.0 - 1e-15)), cdf(x * (1.0 + 1e-15)));
    (cdf(x) - p).abs() <= 1e-12 * p
        || (low.min(high) <= p * (1.0 + 1e-12) && low.max(high) >= p * (1.0 - 1e-12))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t_round_trip(q in probability(), df in parameter()) {
        let t = d::t_quantile_upper(q, df);
        prop_assert!(hits(|t| d::t_sf(t, df), t, q), "{} {}", t, d::t_sf(t, df));
        prop_assert!(hits(|t| d::t_cdf(t, df), d::t_quantile(q, df), q));
        let two_sided = d::t_two_sided(t, df);
        prop_assert!((two_sided / (2.0 * q.min(1.0 - q)) - 1.0).abs() < 1e-11);
    }

    #[test]
    fn normal_round_trip(q in probability()) {
        prop_assert!(hits(d::normal_sf, d::normal_quantile_upper(q), q));
        prop_assert!(hits(d::normal_cdf, d::normal_quantile(q), q));
    }

    #[test]
    fn beta_round_trip(q in probability(), a in parameter(), b in parameter()) {
        let x = d::beta_quantile(q, a, b);
        prop_assert!(hits(|x| d::beta_cdf(x.min(1.0), a, b), x, q), "{} {}", x, d::beta_cdf(x, a, b));
        let x = d::beta_quantile_upper(q, a, b);
        prop_assert!(hits(|x| d::beta_sf(x.min(1.0), a, b), x, q), "{} {}", x, d::beta_sf(x, a, b));
        prop_assert!((d::beta_cdf(x, a, b) + d::beta_sf(x, a, b) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn f_round_trip(q in probability(), d1 in parameter(), d2 in parameter()) {
        let f = d::f_quantile_upper(q, d1, d2);
        prop_assume!(f > 1e-290 && f < 1e290);
        prop_assert!(hits(|f| d::f_sf(f, d1, d2), f, q), "{} {}", f, d::f_sf(f, d1, d2));
        let f = d::f_quantile(q, d1, d2);
        prop_assume!(f > 1e-290 && f < 1e290);
        prop_assert!(hits(|f| d::f_cdf(f, d1, d2), f, q), "{} {}", f, d::f_cdf(f, d1, d2));
    }

    #[test]
    fn chi_squared_round_trip(q in probability(), df in parameter()) {
        let x = d::chi_squared_quantile_upper(q, df);
        prop_assume!(x > 1e-290);
        prop_assert!(hits(|x| d::chi_squared_sf(x, df), x, q), "{} {}", x, d::chi_squared_sf(x, df));
        let x = d::chi_squared_quantile(q, df);
        prop_assume!(x > 1e-290);
        prop_assert!(hits(|x| d::chi_squared_cdf(x, df), x, q), "{} {}", x, d::chi_squared_cdf(x, df));
    }

    /// No argument panics or hangs, and valid arguments never give NaN.
    #[test]
    fn nothing_hangs(p in anything(), a in anything(), b in anything()) {
        let valid_p = (0.0..=1.0).contains(&p);
        let (pos_a, pos_b) = (a >= 1e-100, b >= 1e-100);
        let t = d::t_quantile(p, a);
        prop_assert_eq!(t.is_nan(), !(valid_p && pos_a), "t {}", t);
        let f = d::f_quantile(p, a, b);
        prop_assert_eq!(f.is_nan(), !(valid_p && pos_a && pos_b), "f {}", f);
        let x = d::beta_quantile(p, a, b);
        let finite = a <= 1e100 && b <= 1e100;
        prop_assert_eq!(x.is_nan(), !(valid_p && pos_a && pos_b && finite), "beta {}", x);
        let c = d::chi_squared_quantile(p, a);
        prop_assert_eq!(c.is_nan(), !(valid_p && pos_a && a <= 1e100), "chi {}", c);
        for value in [d::t_sf(p, a), d::f_sf(p, a, b), d::f_cdf(p, a, b), d::beta_cdf(p, a, b),
            d::beta_sf(p, a, b), d::chi_squared_sf(p, a), d::chi_squared_cdf(p, a), d::normal_sf(p)]
        {
            prop_assert!(value.is_nan() || (0.0..=1.0).contains(&value), "{}", value);
        }
        if !p.is_nan() && pos_a && pos_b && finite {
            prop_assert!(!d::t_sf(p, a).is_nan(), "t sf");
            prop_assert!(!d::f_sf(p, a, b).is_nan(), "f sf");
            prop_assert!(!d::beta_cdf(p, a, b).is_nan(), "beta cdf");
            prop_assert!(!d::chi_squared_sf(p, a).is_nan(), "chi sf");
        }
    }
}

/// A second opinion in the ordinary range, from code that shares nothing with ours. (Its t, F and
/// beta quantiles are not used anywhere: they can hang or lose digits at extreme arguments.)
#[test]
fn statrs_agrees_in_the_ordinary_range() {
    use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, FisherSnedecor, StudentsT};
    let close = |ours: f64, theirs: f64, what: &str| {
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3), "{what}: {ours} {theirs}");
    };
    for df in [2.0, 7.5, 16.0, 120.0] {
        let t = StudentsT::new(0.0, 1.0, df).expect("a t distribution");
        let chi = ChiSquared::new(df).expect("a chi-squared distribution");
        let f = FisherSnedecor::new(3.0, df).expect("an F distribution");
        let beta = Beta::new(df / 3.0, 2.5).expect("a beta distribution");
        for x in [0.1, 0.7, 1.9, 3.3] {
            close(d::t_cdf(x, df), t.cdf(x), "t");
            close(d::chi_squared_cdf(x, df), chi.cdf(x), "chi-squared");
            close(d::f_cdf(x, 3.0, df), f.cdf(x), "F");
            close(d::beta_cdf(x / 4.0, df / 3.0, 2.5), beta.cdf(x / 4.0), "beta");
        }
    }
}
