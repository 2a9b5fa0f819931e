# Words, identifiers and numbers of a text by regular expressions and hashes.
use strict;
use warnings;
my (%words, %calls, $sum);
$sum = 0;
open(my $file, '<', $ARGV[0]) or die "$ARGV[0]: $!";
while (my $line = <$file>) {
  $words{lc $1}++ while $line =~ /\b([A-Za-z_]\w+)\b/g;
  $calls{$1} .= length $2 if $line =~ /(\w+)\(([^()]*)\)/;
  $sum += $1 while $line =~ /\b(\d{1,6})\b/g;
  (my $other = $line) =~ s/([aeiou])(\w)/$2$1/g;
  $sum += length(join '-', reverse split /\s+/, $other);
}
my @top = (sort { $words{$b} <=> $words{$a} || $a cmp $b } keys %words)[0 .. 9];
print "$_ $words{$_}\n" for @top;
print scalar(keys %calls), " $sum\n";
