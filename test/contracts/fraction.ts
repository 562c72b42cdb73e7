/** Non-negative fractions of bigints, exact. */
export class Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;

  constructor(numerator: bigint, denominator: bigint) {
    this.numerator = numerator;
    this.denominator = denominator;
  }

  times(factor: bigint): Fraction {
    return new Fraction(this.numerator * factor, this.denominator);
  }

  over(divisor: bigint): Fraction {
    return new Fraction(this.numerator, this.denominator * divisor);
  }

  down(): bigint {
    return this.numerator / this.denominator;
  }

  up(): bigint {
    return (this.numerator + this.denominator - 1n) / this.denominator;
  }
}
