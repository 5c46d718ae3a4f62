import com.google.common.util.concurrent.RateLimiter;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.function.IntUnaryOperator;

/**
 * What a check costs with Guava's RateLimiter. It has no keyed limiter; the case keyed-map
 * is the map of limiters that its users write themselves. ../README.md says what is timed
 * and how; its siblings do the same in Rust and Go.
 */
final class PeerGuava {
  private static final int KEYS = 1000;
  private static final int PASS = KEYS; // checks between two looks at the clock
  private static final int WARM_UP_MS = 1000; // the compiler has to see each case as well
  private static final int MILLIS_MAX = 60_000;

  private static final String HELP =
      "Usage: PeerGuava [--millis N]\n"
          + "Times the checks of Guava's RateLimiter; one line of JSON per case.\n"
          + "\n"
          + "  --millis N    how long per case, 1 to 60000 (300)\n";

  private static void die(String message) {
    System.err.println("PeerGuava: " + message);
    Runtime.getRuntime().halt(3);
  }

  /**
   * The brokers' names in the order of the visits: a shuffle by xorshift64, the same in all
   * programs.
   */
  private static List<String> keys() {
    List<String> keys = new ArrayList<>();
    long x = 88172645463325252L;

    for (int i = 1; i <= KEYS; i++) {
      keys.add("b-" + i + ".mycluster.123z8u.c2.kafka.us-west-1.amazonaws.com:9098");
    }
    for (int i = KEYS - 1; i > 0; i--) {
      x ^= x << 13;
      x ^= x >>> 7;
      x ^= x << 17;
      Collections.swap(keys, i, (int) Long.remainderUnsigned(x, i + 1));
    }

    return keys;
  }

  /** A thread's round through the keys; the second thread is half a round ahead. */
  private static String[] round(List<String> keys, int thread) {
    List<String> round = new ArrayList<>(keys);

    Collections.rotate(round, thread * KEYS / 2);

    return round.toArray(new String[0]);
  }

  /** Makes a limiter that admits every check, or one that admits the first of an hour. */
  private static RateLimiter limiter(boolean all) {
    return RateLimiter.create(all ? 1e9 : 1.0 / 3600);
  }

  /**
   * Runs passes until the time is over. Returns ns per check. Each pass returns how many of
   * its checks were admitted: all or none of them may be.
   */
  private static double work(int thread, long millis, boolean all, IntUnaryOperator pass) {
    long passes = 0;
    long admitted = 0;
    long from = System.nanoTime();
    long elapsed;

    do {
      admitted += pass.applyAsInt(thread);
      passes++;
      elapsed = System.nanoTime() - from;
    } while (elapsed < millis * 1_000_000);

    if (admitted != (all ? passes * PASS : 0)) {
      die(admitted + " of " + passes * PASS + " checks were admitted");
    }

    return (double) elapsed / (passes * PASS);
  }

  /** Returns ns per check, the mean of the threads. */
  private static double measure(
      int threads, long millis, boolean all, IntUnaryOperator pass)
      throws InterruptedException {
    CyclicBarrier barrier = new CyclicBarrier(threads);
    double[] ns = new double[threads];
    List<Thread> running = new ArrayList<>();
    double sum = 0;

    for (int i = 0; i < threads; i++) {
      int thread = i;
      running.add(
          new Thread(
              () -> {
                try {
                  barrier.await();
                  ns[thread] = work(thread, millis, all, pass);
                } catch (Exception e) {
                  die(e.toString());
                }
              }));
      running.get(i).start();
    }
    for (int i = 0; i < threads; i++) {
      running.get(i).join();
      sum += ns[i];
    }

    return sum / threads;
  }

  /** The version of the jar in the class path. */
  private static String version() {
    String path = "/META-INF/maven/com.google.guava/guava/pom.properties";
    Properties properties = new Properties();

    try (InputStream stream = RateLimiter.class.getResourceAsStream(path)) {
      properties.load(stream);
    } catch (IOException | NullPointerException e) {
      return "unknown";
    }

    return properties.getProperty("version");
  }

  private static void report(
      String name, boolean all, int threads, int millis, IntUnaryOperator pass)
      throws InterruptedException {
    measure(threads, WARM_UP_MS, all, pass);
    double ns = measure(threads, millis, all, pass);

    System.out.printf(
        Locale.ROOT,
        "{\"peer\":\"guava\",\"version\":\"%s\",\"language\":\"java\",\"case\":\"%s\","
            + "\"answer\":\"%s\",\"threads\":%d,\"ns\":%.2f}%n",
        version(), name, all ? "admitted" : "refused", threads, ns);
  }

  private static void direct(boolean all, int threads, int millis)
      throws InterruptedException {
    RateLimiter limiter = limiter(all);

    if (!limiter.tryAcquire()) {
      die("the first check was refused");
    }

    report(
        "direct",
        all,
        threads,
        millis,
        thread -> {
          int admitted = 0;
          for (int i = 0; i < PASS; i++) {
            if (limiter.tryAcquire()) {
              admitted++;
            }
          }
          return admitted;
        });
  }

  private static boolean tryAcquire(
      ConcurrentHashMap<String, RateLimiter> limiters, String key, boolean all) {
    RateLimiter limiter = limiters.get(key); // does not lock, unlike the one below

    if (limiter == null) {
      limiter = limiters.computeIfAbsent(key, ignored -> limiter(all));
    }

    return limiter.tryAcquire();
  }

  private static void keyed(boolean all, int threads, int millis, List<String> keys)
      throws InterruptedException {
    ConcurrentHashMap<String, RateLimiter> limiters = new ConcurrentHashMap<>();
    String[][] rounds = {round(keys, 0), round(keys, 1)};

    for (String key : keys) { // the map keeps strings of its own, as in a client
      if (!tryAcquire(limiters, new String(key), all)) {
        die("a first check was refused");
      }
    }

    report(
        "keyed-map",
        all,
        threads,
        millis,
        thread -> {
          int admitted = 0;
          for (String key : rounds[thread]) {
            if (tryAcquire(limiters, key, all)) {
              admitted++;
            }
          }
          return admitted;
        });
  }

  /** Returns the milliseconds per case, or 0 for a wrong command line. */
  private static int millis(String[] arguments) {
    if (arguments.length == 0) {
      return 300;
    }
    try {
      if (arguments.length == 2 && arguments[0].equals("--millis")) {
        int millis = Integer.parseInt(arguments[1]);
        return millis >= 1 && millis <= MILLIS_MAX ? millis : 0;
      }
    } catch (NumberFormatException e) {
      return 0;
    }

    return 0;
  }

  public static void main(String[] arguments) throws InterruptedException {
    List<String> keys = keys();
    int millis;

    if (arguments.length == 1 && arguments[0].equals("--help")) {
      System.out.print(HELP);
      return;
    }
    millis = millis(arguments);
    if (millis == 0) {
      System.err.print(HELP);
      System.exit(2);
    }

    for (int threads = 1; threads <= 2; threads++) {
      for (boolean all : new boolean[] {true, false}) {
        direct(all, threads, millis);
        keyed(all, threads, millis, keys);
      }
    }
  }
}
