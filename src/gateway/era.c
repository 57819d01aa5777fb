#include "gateway/era.h"

static enum spoken *
verdict_of(struct eras *e, enum era era)
{
    return era == ERA_MODERN ? &e->modern : &e->legacy;
}

bool
eras_may_speak(const struct eras *e, enum era era)
{
    return (era == ERA_MODERN ? e->modern : e->legacy) != SPOKEN_NO;
}

void
eras_learn(struct eras *e, enum era era, bool is_spoken)
{
    *verdict_of(e, era) = is_spoken ? SPOKEN_YES : SPOKEN_NO;
}

void
eras_forget(struct eras *e)
{
    *e = (struct eras){SPOKEN_UNKNOWN, SPOKEN_UNKNOWN};
}
