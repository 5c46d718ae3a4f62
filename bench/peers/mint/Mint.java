import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import javax.security.auth.callback.Callback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler;
import software.amazon.msk.auth.iam.internals.AWS4SignedPayloadGenerator;
import software.amazon.msk.auth.iam.internals.AuthenticationRequestParams;
import software.amazon.msk.auth.iam.internals.UserAgentUtils;

/**
 * What a token costs with aws-msk-iam-auth (README.md beside this): by the login callback
 * handler, or by the signer within it, which is not for callers. One at a time: the compiler
 * does worse by a program that does both.
 */
final class Mint {
  private static final String REGION = "eu-west-1";
  private static final String ACCESS_KEY_ID = "ASIAIOSFODNN7EXAMPLE";
  private static final String SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  private static final long WARM_UP_NS = 8_000_000_000L; // what the compiler takes, and more
  private static final long ROUND_NS = 20_000_000;
  private static final int ROUNDS = 15;
  private static final int BATCH = 20; // tokens between two looks at the clock

  /** The session token that all programs have. */
  private static String session() {
    String begin = "IQoJb3JpZ2luX2VjEJv//////////wEa";
    String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    StringBuilder session = new StringBuilder(begin);
    int x = (int) 2463534242L;

    for (int i = 0; i < 700; i++) {
      x = x * 1664525 + 1013904223;
      if (i >= begin.length()) {
        session.append(letters.charAt(x >>> 26));
      }
    }

    return session.toString();
  }

  private interface Maker {
    String make() throws Exception;
  }

  /**
   * The handler is configured once, as by a client. It takes credentials and region from
   * where the SDK finds them first.
   */
  private static Maker handler(String session) {
    IAMOAuthBearerLoginCallbackHandler handler = new IAMOAuthBearerLoginCallbackHandler();

    System.setProperty("aws.region", REGION);
    System.setProperty("aws.accessKeyId", ACCESS_KEY_ID);
    System.setProperty("aws.secretAccessKey", SECRET_ACCESS_KEY);
    System.setProperty("aws.sessionToken", session);
    handler.configure(Map.of(), OAuthBearerLoginModule.OAUTHBEARER_MECHANISM, List.of());

    return () -> {
      OAuthBearerTokenCallback callback = new OAuthBearerTokenCallback(); // takes one token

      handler.handle(new Callback[] {callback});

      return callback.token().value();
    };
  }

  /** What the handler does, but for looking up credentials and reading the expiry. */
  private static Maker internals(String session) {
    AWS4SignedPayloadGenerator generator = new AWS4SignedPayloadGenerator();
    AwsCredentials credentials =
        AwsSessionCredentials.create(ACCESS_KEY_ID, SECRET_ACCESS_KEY, session);
    String agent = UserAgentUtils.getUserAgentValue();
    AuthenticationRequestParams params =
        AuthenticationRequestParams.create(
            "kafka." + REGION + ".amazonaws.com", credentials, agent);

    return () -> {
      String url =
          generator
              .presignRequest(params)
              .toBuilder()
              .appendRawQueryParameter("User-Agent", agent)
              .build()
              .getUri()
              .toString();

      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(url.getBytes(StandardCharsets.UTF_8));
    };
  }

  private static void check(String token, String session) {
    String url = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
    String escaped = URLEncoder.encode(session, StandardCharsets.UTF_8);

    if (!url.contains("X-Amz-Security-Token=" + escaped + "&")
        || !url.contains("X-Amz-Signature=")) {
      throw new IllegalStateException("not the token that was asked for");
    }
  }

  /** Returns ns per token, for as long as that. */
  private static double measure(Maker maker, String session, long budgetNs) throws Exception {
    String token = null;
    long count = 0;
    long from = System.nanoTime();
    long elapsed;

    do {
      for (int i = 0; i < BATCH; i++) {
        token = maker.make();
      }
      count += BATCH;
      elapsed = System.nanoTime() - from;
    } while (elapsed < budgetNs);
    check(token, session);

    return (double) elapsed / count;
  }

  private static String version() throws IOException {
    Properties properties = new Properties();

    try (InputStream stream =
        IAMOAuthBearerLoginCallbackHandler.class.getResourceAsStream("/version.properties")) {
      properties.load(stream);
    }

    return properties.getProperty("version");
  }

  public static void main(String[] arguments) throws Exception {
    boolean within = arguments.length > 0 && arguments[0].equals("internals");
    String session = session();
    Maker maker = within ? internals(session) : handler(session);
    double[] ns = new double[ROUNDS];

    measure(maker, session, WARM_UP_NS);
    for (int i = 0; i < ROUNDS; i++) {
      ns[i] = measure(maker, session, ROUND_NS);
    }
    Arrays.sort(ns);
    System.out.printf(
        Locale.ROOT,
        "{\"peer\":\"aws-msk-iam-auth\",\"version\":\"%s\",\"language\":\"java\","
            + "\"case\":\"%s\",\"ns\":%.1f}%n",
        version(), within ? "mint-internals" : "mint", ns[(ROUNDS - 1) / 2]);
  }
}
