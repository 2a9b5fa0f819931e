# What configure scripts do all day: configure.sh ROUNDS
i=0
while [ "$i" -lt "$1" ]; do
  value=$(echo "ac_cv_func_$i=yes" | sed 's/=.*//')
  case $value in *_"$i") found=yes ;; *) found=no ;; esac
  printf '#define HAVE_%s %s\n' "$(echo "$value" | tr a-z A-Z)" "$(expr "$i" \* 3 + 1)" >> config.h
  if grep -q "HAVE_AC_CV_FUNC_$i " config.h; then
    echo "checking for $value... $found"
  fi
  i=$((i + 1))
done
wc -l < config.h
