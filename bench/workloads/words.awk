# The most frequent words of a text and the sum of its numbers.
{
  for (i = 1; i <= NF; i++) {
    word = tolower($i)
    gsub(/[^a-z0-9_]/, "", word)
    if (word ~ /^[0-9]+$/ && length(word) < 7) sum += word
    else if (length(word) > 2) count[word]++
  }
}
END {
  for (word in count) if (count[word] > most || (count[word] == most && word < best)) { most = count[word]; best = word }
  print best, most, sum
}
