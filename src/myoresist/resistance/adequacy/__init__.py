"""Was the treatment adequate: courses as exposure, trials, definitions of refractory disease."""
