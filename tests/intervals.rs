//! Confidence intervals of proportions against R survey.

use rakewell::estimate::IntervalMethod::{self, *};
use rakewell::estimate::{IntervalInput, interval};

fn input(estimate: f64, se: f64, n: u64, df: f64) -> IntervalInput {
    IntervalInput { estimate, se: Some(se), n, df: Some(df), level: 0.95, certain: false }
}

fn pair(method: IntervalMethod, input: &IntervalInput) -> (f64, f64) {
    let found = interval(method, input);
    assert_eq!(found.note, None);
    (found.lower.unwrap(), found.upper.unwrap())
}

fn assert_close(found: (f64, f64), wanted: (f64, f64), tolerance: f64, what: &str) {
    for (f, w) in [(found.0, wanted.0), (found.1, wanted.1)] {
        assert!((f - w).abs() <= tolerance * w.abs(), "{what}: {f} instead of {w}");
    }
}

/// R survey 4.5 `svyciprop` on its own data sets (4.1.1 agrees; Wilson is new in 4.5), fed
/// with R's p, SE, number of rows and degrees of freedom.
#[test]
fn agrees_with_r_survey() {
    let clus1 = input(0.8743169398907104, 0.02035947724462743, 183, 14.0);
    let nhanes = input(0.11214295634969224, 0.005445839698954557, 8591, 16.0);
    let yrbs = input(0.8136225043654783, 0.020089006452065232, 15624, 41.0);
    let rare = input(0.02185792349726776, 0.022622450861133944, 183, 14.0);
    let cases = [
        (clus1, T, (0.830650204123468, 0.9179836756579527)),
        (clus1, Logit, (0.8237988923830017, 0.9119000770243931)),
        (clus1, Logit, (0.8237988923790337, 0.9119000770212227)),
        (clus1, Beta, (0.8237022108475011, 0.9147044921268653)),
        (clus1, Wilson, (0.824171513661327, 0.9116934526389183)),
        (clus1, Arcsine, (0.8275334533210862, 0.9146145718489066)),
        (nhanes, T, (0.10059829191316899, 0.12368762078621548)),
        (nhanes, Logit, (0.10110695925763107, 0.12421708922642069)),
        (nhanes, Beta, (0.10082546610568985, 0.12425769719156221)),
        (nhanes, Wilson, (0.1011128535520874, 0.12421003419819031)),
        (nhanes, Arcsine, (0.10086042916421635, 0.1239446071911536)),
        (yrbs, T, (0.7730519327800714, 0.8541930759508852)),
        (yrbs, Logit, (0.7696221082583148, 0.8508478027514698)),
        (yrbs, Beta, (0.7690750996672535, 0.8528310415177552)),
        (yrbs, Wilson, (0.7697624297499553, 0.8507473178736858)),
        (yrbs, Arcsine, (0.7714247347877818, 0.8524191678640948)),
        (rare, T, (-0.026662407957766986, 0.0703782549523025)),
        (rare, Logit, (0.002304691284135497, 0.17774776682269952)),
        (rare, Beta, (0.0002161468327431569, 0.13750776391498076)),
    ];
    for (input, method, wanted) in cases {
        assert_close(pair(method, &input), wanted, 1e-8, &format!("{method:?} {input:?}"));
    }
    // Below angle 0 R squares the sine of a negative angle and so turns back from 0 (it prints
    // 0.000307); the limit is 0.
    let wanted = (0.0, 0.09557673636684295);
    assert_close(pair(Arcsine, &rare), wanted, 1e-8, "arcsine");
    let domain = input(0.14835164835164835, 0.08537528483109422, 20, 13.0);
    let wanted = (0.024351673124467173, 0.40876429581733775);
    assert_close(pair(Beta, &domain), wanted, 1e-8, "beta in a domain");
    let level = IntervalInput { level: 0.99, ..input(0.62, 0.03384806712984039, 200, 199.0) };
    let wanted = (0.5289434713182686, 0.7033273293397927);
    assert_close(pair(Logit, &level), wanted, 1e-8, "logit at 99 %");
}

/// The roots of the Rao–Scott scaled deviance of R's own `svyglm` fit, found in R by `uniroot`
/// to 1e-16, with and without R's factor φ (see `docs/methods/intervals.md`); and what R prints,
/// which comes from a spline through a coarse profile and is off by up to 0.3 %.
#[test]
fn likelihood_agrees_with_the_deviance_of_r() {
    let clus1 = input(0.8743169398907104, 0.02035947724462743, 183, 14.0);
    let rare = input(0.02185792349726776, 0.022622450861133944, 183, 14.0);
    let nhanes = input(0.11214295634969224, 0.005445839698954557, 8591, 16.0);
    let cases = [
        (clus1, 1.0, (0.8264283470087328, 0.9135986190029847), None),
        (
            clus1,
            183.0 / 182.0,
            (0.8262857202273699, 0.9136942490532817),
            Some((0.8262882419635761, 0.9136944918924953)),
        ),
        (rare, 1.0, (0.0006750057468501555, 0.10777851327900097), None),
        (
            rare,
            183.0 / 182.0,
            (0.0006654432123526468, 0.10811687988965007),
            Some((0.0006639211809342041, 0.10777840838159275)),
        ),
        (nhanes, 1.0, (0.10094551129605689, 0.12403230337875527), None),
        (
            nhanes,
            1.0111772739507967,
            (0.10088505782771796, 0.12410048658207942),
            Some((0.10088466133255913, 0.12410000260756235)),
        ),
    ];
    for (case, phi, exact, printed) in cases {
        // R's threshold is φ t², the same as a variance φ V.
        let case = IntervalInput { se: case.se.map(|se| se * f64::sqrt(phi)), ..case };
        let found = pair(Likelihood, &case);
        assert_close(found, exact, 1e-8, "likelihood");
        if let Some(printed) = printed {
            assert_close(found, printed, 4e-3, "likelihood as printed by R");
        }
    }
}
