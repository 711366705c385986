//! Hadamard matrices: entries ±1, rows orthogonal.

/// Circulant first rows of Williamson matrices, for orders no other construction here reaches.
/// Each is checked by a test (a² + b² + c² + d² = 4n for all their spectra; Williamson 1944).
const WILLIAMSON: [(usize, [&str; 4]); 2] = [
    (23, ["+-+--+++++--", "+-+++--++-+-", "+--++-+-+---", "+++++-++---+"]),
    (29, ["++-+++--+-++---", "+--+++--++-+---", "++-+-+++-++-+--", "+++-+---++++-++"]),
];

/// A Hadamard matrix of some order R: R × R entries ±1 with H H' = R I, the first row and the first
/// column all +1. No entry is stored; each is worked out from tables of length R at most.
///
/// Constructions: Kronecker products of the matrix of order 2 (Sylvester 1867) with one of Paley's
/// two kinds (Paley 1933; quadratic residues of a finite field) or Williamson's (1944).
#[derive(Debug, Clone)]
pub struct Hadamard {
    doublings: u32,
    core: Core,
    /// Signs that make the first row and the first column of the core +1.
    row_sign: Vec<i8>,
    column_sign: Vec<i8>,
}

#[derive(Debug, Clone)]
enum Core {
    One,
    /// Order q + 1, q ≡ 3 (mod 4).
    PaleyOne(Field),
    /// Order 2 (q + 1), q ≡ 1 (mod 4).
    PaleyTwo(Field),
    /// Order 4 n.
    Williamson(usize, [Vec<i8>; 4]),
}

impl Hadamard {
    /// The matrix of exactly this order, where it can be constructed here.
    pub fn of_order(order: usize) -> Option<Hadamard> {
        if order == 0 || (order > 2 && !order.is_multiple_of(4)) {
            return None;
        }
        (0..=order.trailing_zeros())
            .find_map(|doublings| Some((doublings, Core::of_order(order >> doublings)?)))
            .map(|(doublings, core)| Hadamard::new(doublings, core))
    }

    /// The matrix of the smallest order of at least `order`. One always exists: below twice the
    /// order there is a power of two.
    pub fn at_least(order: usize) -> Hadamard {
        let order = order.max(1);
        let most = order.next_power_of_two();
        let tried = (order..most).find_map(Hadamard::of_order);
        tried.unwrap_or_else(|| Hadamard::new(most.trailing_zeros(), Core::One))
    }

    fn new(doublings: u32, core: Core) -> Hadamard {
        let size = core.order();
        let corner = core.raw(0, 0);
        let column_sign = (0..size).map(|j| core.raw(0, j) * corner).collect();
        let row_sign = (0..size).map(|i| core.raw(i, 0)).collect();
        Hadamard { doublings, core, row_sign, column_sign }
    }

    /// The order R.
    pub fn order(&self) -> usize {
        self.core.order() << self.doublings
    }

    /// The entry of a row and a column (from 0, below the order): 1 or −1.
    pub fn sign(&self, row: usize, column: usize) -> f64 {
        let mask = (1_usize << self.doublings) - 1;
        let odd = ((row & mask) & (column & mask)).count_ones() % 2;
        let (i, j) = (row >> self.doublings, column >> self.doublings);
        let core = self.core.raw(i, j) * self.row_sign[i] * self.column_sign[j];
        f64::from(if odd == 1 { -core } else { core })
    }
}

impl Core {
    fn of_order(order: usize) -> Option<Core> {
        if order == 1 {
            return Some(Core::One);
        }
        if let Some(field) = Field::of_order(order - 1).filter(|f| f.order % 4 == 3) {
            return Some(Core::PaleyOne(field));
        }
        if order.is_multiple_of(4)
            && let Some(field) = Field::of_order(order / 2 - 1).filter(|f| f.order % 4 == 1)
        {
            return Some(Core::PaleyTwo(field));
        }
        let (n, halves) = WILLIAMSON.iter().find(|(n, _)| 4 * n == order)?;
        // Symmetric: a_k = a_{n − k}.
        let row = |half: &str| -> Vec<i8> {
            let half: Vec<i8> = half.bytes().map(|b| if b == b'+' { 1 } else { -1 }).collect();
            (0..*n).map(|k| half[k.min(n - k)]).collect()
        };
        Some(Core::Williamson(*n, halves.map(row)))
    }

    fn order(&self) -> usize {
        match self {
            Core::One => 1,
            Core::PaleyOne(field) => field.order + 1,
            Core::PaleyTwo(field) => 2 * (field.order + 1),
            Core::Williamson(n, _) => 4 * n,
        }
    }

    fn raw(&self, row: usize, column: usize) -> i8 {
        match self {
            Core::One => 1,
            // I + S with S = [0 1'; −1 Q].
            Core::PaleyOne(field) => match (row, column) {
                (0, _) => 1,
                (_, 0) => -1,
                (i, j) if i == j => 1,
                (i, j) => field.character(i - 1, j - 1),
            },
            // C ⊗ [1 1; 1 −1] + I ⊗ [1 −1; −1 −1] with the symmetric conference matrix C.
            Core::PaleyTwo(field) => {
                let (i, j) = (row / 2, column / 2);
                let both = (row % 2) + (column % 2);
                if i == j {
                    return if both == 0 { 1 } else { -1 };
                }
                let c = if i == 0 || j == 0 { 1 } else { field.character(i - 1, j - 1) };
                if both == 2 { -c } else { c }
            }
            Core::Williamson(n, [a, b, c, d]) => {
                let (block, at) = ((row / n, column / n), (column % n + n - row % n) % n);
                match block {
                    (0, 0) | (1, 1) | (2, 2) | (3, 3) => a[at],
                    (0, 1) | (3, 2) => b[at],
                    (1, 0) | (2, 3) => -b[at],
                    (0, 2) | (1, 3) => c[at],
                    (2, 0) | (3, 1) => -c[at],
                    (0, 3) | (2, 1) => d[at],
                    _ => -d[at],
                }
            }
        }
    }
}

/// The squares of a finite field of odd order.
#[derive(Debug, Clone)]
struct Field {
    order: usize,
    prime: usize,
    /// 1 for a square, −1 for another element, 0 for zero.
    square: Vec<i8>,
}

impl Field {
    fn of_order(order: usize) -> Option<Field> {
        if order < 3 || order.is_multiple_of(2) {
            return None;
        }
        let prime =
            (3..).step_by(2).take_while(|p| p * p <= order).find(|p| order.is_multiple_of(*p));
        let prime = prime.unwrap_or(order);
        let (mut degree, mut power) = (1, prime);
        while power < order {
            power *= prime;
            degree += 1;
        }
        if power != order {
            return None;
        }
        // A polynomial of the degree without the leading term, as a number in base `prime`. It is
        // irreducible exactly if no square of a nonzero element is zero and half of the nonzero
        // elements are squares: a product of fields has fewer.
        (0..if degree == 1 { 1 } else { order }).find_map(|polynomial| {
            let mut square = vec![-1; order];
            square[0] = 0;
            for x in 1..order {
                let s = square_of(x, prime, degree, polynomial);
                if s == 0 {
                    return None;
                }
                square[s] = 1;
            }
            let squares = square.iter().filter(|s| **s == 1).count();
            (squares == (order - 1) / 2).then_some(Field { order, prime, square })
        })
    }

    /// Whether a − b is a square (1), is none (−1) or is zero.
    fn character(&self, a: usize, b: usize) -> i8 {
        let p = self.prime;
        let (mut a, mut b, mut difference, mut place) = (a, b, 0, 1);
        while place < self.order {
            difference += place * ((a % p + p - b % p) % p);
            (a, b, place) = (a / p, b / p, place * p);
        }
        self.square[difference]
    }
}

/// x² modulo a monic polynomial; digits in base `prime` are coefficients.
fn square_of(x: usize, prime: usize, degree: usize, polynomial: usize) -> usize {
    let digits = |mut number: usize| -> Vec<usize> {
        (0..degree)
            .map(|_| {
                let digit = number % prime;
                number /= prime;
                digit
            })
            .collect()
    };
    let (x, modulus) = (digits(x), digits(polynomial));
    let mut product = vec![0; 2 * degree];
    for (i, a) in x.iter().enumerate() {
        for (j, b) in x.iter().enumerate() {
            product[i + j] = (product[i + j] + a * b) % prime;
        }
    }
    for high in (degree..2 * degree).rev() {
        let lead = std::mem::take(&mut product[high]);
        for (k, m) in modulus.iter().enumerate() {
            let at = high - degree + k;
            product[at] = (product[at] + (prime - lead) * m) % prime;
        }
    }
    product[..degree].iter().rev().fold(0, |number, digit| number * prime + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(h: &Hadamard) {
        let n = h.order();
        let rows: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| h.sign(i, j)).collect()).collect();
        for i in 0..n {
            assert_eq!((rows[0][i], rows[i][0]), (1.0, 1.0), "order {n}: not normalised");
            assert!(rows[i].iter().all(|e| e.abs() == 1.0));
            for k in 0..i {
                let product: f64 = rows[i].iter().zip(&rows[k]).map(|(a, b)| a * b).sum();
                assert_eq!(product, 0.0, "order {n}: rows {i} and {k}");
            }
        }
    }

    #[test]
    fn rows_are_orthogonal() {
        let mut missing = Vec::new();
        for order in (4..=244).step_by(4).chain([1, 2]) {
            match Hadamard::of_order(order) {
                Some(h) => {
                    assert_eq!(h.order(), order);
                    check(&h);
                }
                None => missing.push(order),
            }
        }
        // The next larger order stands in for these.
        assert_eq!(missing, [156, 172, 184 + 4, 236]);
    }

    #[test]
    fn every_construction_is_used() {
        let core = |n| Hadamard::of_order(n).map(|h| (h.doublings, h.core));
        assert!(matches!(core(64), Some((_, Core::One | Core::PaleyOne(_)))));
        assert!(matches!(core(28), Some((0, Core::PaleyOne(Field { prime: 3, .. })))));
        assert!(matches!(core(52), Some((0, Core::PaleyTwo(Field { prime: 5, .. })))));
        assert!(matches!(core(36), Some((0, Core::PaleyTwo(Field { prime: 17, .. })))));
        assert!(matches!(core(92), Some((0, Core::Williamson(23, _)))));
        assert!(matches!(core(232), Some((1, Core::Williamson(29, _)))));
    }

    #[test]
    fn the_next_order_stands_in() {
        let order = |n| Hadamard::at_least(n).order();
        assert_eq!([0, 1, 2, 3, 5, 13, 33, 89].map(order), [1, 1, 2, 4, 8, 16, 36, 92]);
        assert_eq!([153, 169, 185].map(order), [160, 176, 192]);
        assert_eq!(order(40_000) % 4, 0);
        assert!(order(40_000) <= 40_100);
        assert!(Hadamard::of_order(0).is_none() && Hadamard::of_order(6).is_none());
    }
}
