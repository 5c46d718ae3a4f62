#include "storm/picture.h"

#include "storm/scale.h"

#include <math.h>

#define WIDTH 960
#define HEIGHT 624
#define LEFT 64
#define RIGHT 24
#define PANEL_GAP 32
#define PANEL_TOP 150
#define PANEL_HEIGHT 190
#define SHARE_TOP 424
#define SHARE_HEIGHT 160
#define LABEL_ROOM 188 /* right of the lower plot, for the names of its lines */
#define LABEL_HEIGHT 17
#define BINS_MAX 300

/* Okabe and Ito's vermillion, blue and green, and a purple and an olive as far from them:
   told apart by all. */
static const char style[] =
    "<style>\n"
    ".storm{--ground:#fff;--ink:#1f2328;--mute:#59636e;--grid:#d8dee4;"
    "--ungoverned:#d55e00;--advised:#a04a93;--local:#0072b2;--host:#008a65;"
    "--adaptive:#857000;"
    "font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
    "Neue',Arial,sans-serif;"
    "font-variant-numeric:tabular-nums}\n"
    "@media(prefers-color-scheme:dark){.storm{--ground:#0d1117;--ink:#e6edf3;"
    "--mute:#9198a1;--grid:#2f353d;--ungoverned:#ff8f45;--advised:#d795cd;"
    "--local:#56b4e9;--host:#35c99b;--adaptive:#d3c04c}}\n"
    ".storm .ground{fill:var(--ground)}\n"
    ".storm text{fill:var(--ink)}\n"
    ".storm .mute{fill:var(--mute);font-size:12px}\n"
    ".storm .title{font-size:18px;font-weight:600}\n"
    ".storm .name{font-weight:600}\n"
    ".storm .grid{stroke:var(--grid);fill:none}\n"
    ".storm .away{fill:var(--grid);fill-opacity:.6}\n"
    ".storm .axis{stroke:var(--mute);fill:none}\n"
    ".storm .quota{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:6 4;fill:none}\n"
    ".storm .accepted{fill:currentColor}\n"
    ".storm .rejected{fill:currentColor;fill-opacity:.22;stroke:currentColor;"
    "stroke-width:1}\n"
    ".storm .line{stroke:currentColor;stroke-width:2.5;fill:none;"
    "stroke-linejoin:round}\n"
    ".storm .leader{stroke:currentColor;stroke-dasharray:1 4;fill:none}\n"
    ".storm .dot{fill:currentColor}\n"
    ".storm text.of{fill:currentColor}\n"
    ".storm .ungoverned{color:var(--ungoverned)}.storm .advised{color:var(--advised)}"
    ".storm .local{color:var(--local)}.storm .host{color:var(--host)}"
    ".storm .adaptive{color:var(--adaptive)}.storm .plain{color:var(--mute)}\n"
    "</style>\n";

/* A rectangle in the picture, with time from left to right. */
typedef struct plot {
  FILE *out;
  double left, top, width, height;
  double until_s;
  double away_s; /* how long a broker is away, from the beginning on; 0: none is */
} plot;

/* A mode may last a moment longer than the axis. */
static double x_of(const plot *at, double s) {
  return at->left + at->width * fmin(s / at->until_s, 1);
}

/* The ground that everything else of a plot is drawn on. */
static void away_band(const plot *at) {
  if (at->away_s > 0)
    fprintf(at->out,
            "<rect class=\"away\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
            at->left, at->top, x_of(at, at->away_s) - at->left, at->height);
}

static void grid_line(const plot *at, double y) {
  fprintf(at->out, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>\n", at->left, y,
          at->width);
}

static void time_axis(const plot *at, double steps, const char *unit) {
  double step = storm_scale_step(at->until_s, steps);
  double bottom = at->top + at->height;

  if (step < 1)
    step = 1;
  fprintf(at->out, "<path class=\"axis\" d=\"M%.1f %.1fh%.1f\"/>\n", at->left, bottom,
          at->width);
  for (double s = 0; s <= at->until_s; s += step)
    fprintf(at->out,
            "<text class=\"mute\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g%s"
            "</text>\n",
            x_of(at, s), bottom + 17, s, s + step > at->until_s ? unit : "");
}

static void axis_title(FILE *out, double x, double y, const char *text) {
  fprintf(out,
          "<text class=\"mute\" transform=\"translate(%.1f %.1f) rotate(-90)\" "
          "text-anchor=\"middle\">%s</text>\n",
          x, y, text);
}

/* The whole seconds of a mode, in at most BINS_MAX bins of `*bin` seconds. */
static size_t whole_seconds(const storm_result *result, size_t *bin) {
  size_t seconds = (size_t)result->duration_s;

  if (!seconds)
    seconds = 1;
  *bin = (seconds + BINS_MAX - 1) / BINS_MAX;

  return seconds < result->rate_count ? seconds : result->rate_count;
}

/* The fullest second of a bin. */
static uint32_t bin_peak(const storm_result *result, size_t from, size_t until,
                         bool rejected_too) {
  uint32_t peak = 0;

  for (size_t i = from; i < until; i++) {
    uint32_t rate =
        result->rates[i].accepted + (rejected_too ? result->rates[i].rejected : 0);

    peak = rate > peak ? rate : peak;
  }

  return peak;
}

static void rate_area(const plot *at, const storm_scale *scale, const storm_result *result,
                      bool rejected_too) {
  double bottom = at->top + at->height;
  size_t bin, seconds = whole_seconds(result, &bin);

  fprintf(at->out, "<path class=\"%s\" d=\"M%.1f %.1f",
          rejected_too ? "rejected" : "accepted", at->left, bottom);
  for (size_t i = 0; i < seconds; i += bin) {
    size_t until = i + bin < seconds ? i + bin : seconds;
    uint32_t peak = bin_peak(result, i, until, rejected_too);

    fprintf(at->out, "V%.1fH%.1f", bottom - at->height * storm_scale_place(scale, peak),
            x_of(at, (double)until));
  }
  fprintf(at->out, "V%.1fZ\"/>\n", bottom);
}

static void panel_title(const plot *at, const storm_result *result) {
  const char *name = result->mode->name;

  fprintf(at->out,
          "<text class=\"name of %s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n"
          "<text class=\"mute\" x=\"%.1f\" y=\"%.1f\">peak %u/s, %llu rejected</text>\n",
          name, at->left, at->top - 25, name, at->left, at->top - 9, result->peak_window,
          (unsigned long long)result->rejected);
}

static void rate_panel(const plot *at, const storm_scale *scale, const storm_result *result,
                       bool first) {
  double ticks[STORM_TICKS_MAX];
  double bottom = at->top + at->height;
  size_t count = storm_scale_ticks(scale, 18 / at->height, ticks);

  away_band(at);
  for (size_t i = 0; i < count; i++) {
    double y = bottom - at->height * storm_scale_place(scale, ticks[i]);

    grid_line(at, y);
    if (first)
      fprintf(at->out,
              "<text class=\"mute\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
              at->left - 8, y + 4, ticks[i]);
  }

  panel_title(at, result);
  fprintf(at->out, "<g class=\"%s\">\n", result->mode->name);
  rate_area(at, scale, result, true);
  rate_area(at, scale, result, false);
  fputs("</g>\n", at->out);
  fprintf(at->out, "<path class=\"quota\" d=\"M%.1f %.1fh%.1f\"/>\n", at->left,
          bottom - at->height * storm_scale_place(scale, scale->knee), at->width);
  time_axis(at, fmin(6, at->width / 45), " s");
}

static double away_s(const storm_options *options) {
  return options->scenario == STORM_ROLLING ? STORM_AWAY_S : 0;
}

static void rate_panels(FILE *out, const storm_options *options,
                        const storm_result *results, int count, double until_s) {
  double width = (WIDTH - LEFT - RIGHT - (count - 1) * PANEL_GAP) / (double)count;
  storm_scale scale = {.knee = options->quota, .top = options->quota * 1.3};

  for (int i = 0; i < count; i++) {
    uint32_t peak = bin_peak(&results[i], 0, results[i].rate_count, true);

    if (peak * 1.1 > scale.top)
      scale.top = peak * 1.1;
  }

  axis_title(out, 18, PANEL_TOP + PANEL_HEIGHT / 2.0, "attempts per second");
  for (int i = 0; i < count; i++) {
    plot at = {out,
               LEFT + i * (width + PANEL_GAP),
               PANEL_TOP,
               width,
               PANEL_HEIGHT,
               until_s,
               away_s(options)};

    rate_panel(&at, &scale, &results[i], i == 0);
  }
}

static void share_line(const plot *at, const storm_result *result, double label_y) {
  const storm_sample *last = NULL;
  double bottom = at->top + at->height;
  double y = result->sample_count
                 ? bottom - at->height * result->samples[0].connected / result->pairs
                 : bottom;

  fprintf(at->out, "<g class=\"%s\"><path class=\"line\" d=\"M%.1f %.1f",
          result->mode->name, at->left, y);
  for (size_t i = 0; i < result->sample_count; i++) {
    last = &result->samples[i];
    y = bottom - at->height * last->connected / result->pairs;
    /* a flat stretch needs its two ends only */
    if (i && i + 1 < result->sample_count && last[-1].connected == last->connected &&
        last[1].connected == last->connected)
      continue;
    fprintf(at->out, "L%.1f %.1f", x_of(at, last->at_s), y);
  }
  fputs("\"/>\n", at->out);
  if (last)
    fprintf(at->out,
            "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n"
            "<path class=\"leader\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f\"/>\n",
            x_of(at, last->at_s), y, x_of(at, last->at_s) + 6, y, at->left + at->width, y,
            at->left + at->width + 8, label_y);

  fprintf(at->out,
          "<text x=\"%.1f\" y=\"%.1f\"><tspan class=\"name of\" "
          "fill=\"currentColor\" style=\"fill:currentColor\">%s</tspan> ",
          at->left + at->width + 12, label_y + 4, result->mode->name);
  if (result->done)
    fprintf(at->out, "%s in %.1f s", at->away_s > 0 ? "back" : "all", result->connect_s);
  else
    fprintf(at->out, "%.0f %% at %.0f s", 100.0 * result->connected / result->pairs,
            result->duration_s);
  fputs("</text></g>\n", at->out);
}

/* Where the labels of the lines go: at the lines' ends, pushed apart from the top down.
 */
static void place_labels(const plot *at, const storm_result *results, int count,
                         double *label_y) {
  bool placed[STORM_MODES] = {false};
  double free_y = at->top - LABEL_HEIGHT;

  for (int turn = 0; turn < count; turn++) {
    int next = -1;

    for (int i = 0; i < count; i++)
      if (!placed[i] && (next < 0 || results[i].connected > results[next].connected))
        next = i;
    label_y[next] =
        at->top + at->height * (1 - (double)results[next].connected / results[next].pairs);
    if (label_y[next] < free_y)
      label_y[next] = free_y;
    free_y = label_y[next] + LABEL_HEIGHT;
    placed[next] = true;
  }
}

static void shares(FILE *out, const storm_options *options, const storm_result *results,
                   int count, double until_s) {
  plot at = {out,          LEFT,    SHARE_TOP,      WIDTH - LEFT - LABEL_ROOM - RIGHT,
             SHARE_HEIGHT, until_s, away_s(options)};
  double label_y[STORM_MODES];

  away_band(&at);
  for (int percent = 0; percent <= 100; percent += 25) {
    double y = at.top + at.height * (1 - percent / 100.0);

    grid_line(&at, y);
    fprintf(out,
            "<text class=\"mute\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%d%s</text>\n",
            at.left - 8, y + 4, percent, percent == 100 ? " %" : "");
  }
  axis_title(out, 18, at.top + at.height / 2, "connected pairs");
  time_axis(&at, 12, " s");
  place_labels(&at, results, count, label_y);
  for (int i = 0; i < count; i++)
    share_line(&at, &results[i], label_y[i]);
}

static void legend(FILE *out, const storm_options *options) {
  fprintf(out,
          "<g transform=\"translate(%d 88)\"><g class=\"plain\">"
          "<rect class=\"accepted\" width=\"14\" height=\"11\"/>"
          "<rect class=\"rejected\" x=\"92\" y=\".5\" width=\"14\" height=\"10\"/></g>"
          "<path class=\"quota\" d=\"M184 5.5h26\"/>"
          "<text class=\"mute\" x=\"20\" y=\"10\">accepted</text>"
          "<text class=\"mute\" x=\"112\" y=\"10\">rejected</text>"
          "<text class=\"mute\" x=\"216\" y=\"10\">quota; the scale is linear up to it "
          "and logarithmic above</text>",
          LEFT);
  if (options->scenario == STORM_ROLLING)
    fputs("<rect class=\"away\" x=\"584\" width=\"14\" height=\"11\"/>"
          "<text class=\"mute\" x=\"604\" y=\"10\">the broker is away</text>",
          out);
  fputs("</g>\n", out);
}

static void title(FILE *out, const storm_options *options) {
  fprintf(out, "<text class=\"title\" x=\"%d\" y=\"38\">", LEFT);
  if (options->scenario == STORM_COLD)
    fprintf(out, "A storm of %u client%s on %u broker%s", options->clients,
            options->clients == 1 ? "" : "s", options->brokers,
            options->brokers == 1 ? "" : "s");
  else
    fprintf(out, "A broker of %u restarts under %u client%s", options->brokers,
            options->clients, options->clients == 1 ? "" : "s");
  fprintf(out, ", quota %u connections/s per broker</text>\n", options->quota);
}

void storm_picture_write(FILE *out, const storm_options *options,
                         const storm_result *results, int count) {
  double until_s = 1;

  for (int i = 0; i < count; i++)
    until_s = fmax(until_s, ceil(results[i].duration_s - 0.5));

  fprintf(out,
          "<svg class=\"storm\" xmlns=\"http://www.w3.org/2000/svg\" "
          "viewBox=\"0 0 %d %d\" role=\"img\" "
          "aria-label=\"Connection attempts per second against the quota, and the share "
          "of connected pairs over time, by mode\">\n",
          WIDTH, HEIGHT);
  fputs(style, out);
  fprintf(out, "<rect class=\"ground\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", WIDTH,
          HEIGHT);
  title(out, options);
  fprintf(out,
          "<text class=\"mute\" x=\"%d\" y=\"62\">Attempts that the busiest broker sees, "
          "second "
          "by second (%s window, rejected attempts %s)</text>\n",
          LEFT, storm_window_names[options->window],
          options->count_rejected ? "count too" : "do not count");
  legend(out, options);
  rate_panels(out, options, results, count, until_s);
  fprintf(out,
          "<text class=\"mute\" x=\"%d\" y=\"%d\">Pairs of client and broker that are "
          "connected, of %u</text>\n",
          LEFT, SHARE_TOP - 20, results[0].pairs);
  shares(out, options, results, count, until_s);
  fputs("</svg>\n", out);
}
