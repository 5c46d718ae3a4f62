// Signer sign|connect: aws-msk-iam-auth (tests/interop/README.md).

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;

import software.amazon.msk.auth.iam.IAMClientCallbackHandler;
import software.amazon.msk.auth.iam.IAMLoginModule;
import software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;

import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;

public class Signer {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The library takes credentials and region from where the SDK finds them first. */
    private static void setCredentials(JsonNode request) {
        System.setProperty("aws.region", request.get("region").asText());
        System.setProperty("aws.accessKeyId", request.get("access_key_id").asText());
        System.setProperty("aws.secretAccessKey", request.get("secret_access_key").asText());
        if (request.get("session_token").isNull()) {
            System.clearProperty("aws.sessionToken");
        } else {
            System.setProperty("aws.sessionToken", request.get("session_token").asText());
        }
    }

    private static List<AppConfigurationEntry> entries(Class<?> module) {
        return List.of(new AppConfigurationEntry(module.getName(), LoginModuleControlFlag.REQUIRED, Map.of()));
    }

    private static OAuthBearerToken makeToken() throws Exception {
        IAMOAuthBearerLoginCallbackHandler handler = new IAMOAuthBearerLoginCallbackHandler();
        OAuthBearerTokenCallback callback = new OAuthBearerTokenCallback();
        handler.configure(Map.of(), OAuthBearerLoginModule.OAUTHBEARER_MECHANISM,
                entries(OAuthBearerLoginModule.class));
        handler.handle(new Callback[] {callback});
        handler.close();
        return callback.token();
    }

    /** As Kafka's client asks for it. */
    private static String makePayload(String broker) throws Exception {
        IAMClientCallbackHandler handler = new IAMClientCallbackHandler();
        handler.configure(Map.of(), IAMLoginModule.MECHANISM, entries(IAMLoginModule.class));
        SaslClient client = Sasl.createSaslClient(new String[] {IAMLoginModule.MECHANISM}, null, "kafka",
                broker.substring(0, broker.lastIndexOf(':')), Map.of(), handler);
        byte[] payload = client.evaluateChallenge(new byte[0]);
        handler.close();
        return new String(payload, StandardCharsets.UTF_8);
    }

    /**
     * The library looks at the clock twice, for the end and for the beginning of the 900 s; where a second
     * begins in between, 899 are left, and it has to try again.
     */
    private static <T> T within900s(Callable<T> make, Function<T, String> text, String part) throws Exception {
        T made = make.call();
        for (int i = 0; i < 5 && !text.apply(made).contains(part); i++) {
            made = make.call();
        }
        return made;
    }

    private static String url(OAuthBearerToken token) {
        return new String(Base64.getUrlDecoder().decode(token.value()), StandardCharsets.UTF_8);
    }

    private static Map<String, Object> sign(JsonNode request) throws Exception {
        Map<String, Object> answer = new HashMap<>();
        setCredentials(request);
        if (request.get("broker").isNull()) {
            OAuthBearerToken token = within900s(Signer::makeToken, Signer::url, "X-Amz-Expires=900&");
            answer.put("token", token.value());
            answer.put("expires_at_ms", token.lifetimeMs());
        } else {
            String broker = request.get("broker").asText();
            answer.put("payload", within900s(() -> makePayload(broker), text -> text, "\"900\""));
        }
        return answer;
    }

    private static Map<String, Object> clientConfig(JsonNode request) throws Exception {
        Map<String, Object> config = new HashMap<>(Map.of(
                "bootstrap.servers", request.get("bootstrap_servers").asText(),
                "security.protocol", "SASL_SSL",
                "ssl.truststore.type", "PEM",
                "ssl.truststore.certificates", Files.readString(Path.of(request.get("ca_file").asText())),
                "request.timeout.ms", 20000,
                "default.api.timeout.ms", 20000,
                "retries", 0));
        boolean iam = request.get("mechanism").asText().equals(IAMLoginModule.MECHANISM);
        Class<?> module = iam ? IAMLoginModule.class : OAuthBearerLoginModule.class;
        config.put("sasl.mechanism", request.get("mechanism").asText());
        config.put("sasl.jaas.config", module.getName() + " required;");
        if (iam) {
            config.put("sasl.client.callback.handler.class", IAMClientCallbackHandler.class.getName());
        } else {
            config.put("sasl.login.callback.handler.class", IAMOAuthBearerLoginCallbackHandler.class.getName());
        }
        return config;
    }

    private static Map<String, Object> connect(JsonNode request) throws Exception {
        Map<String, Object> answer = new HashMap<>();
        setCredentials(request);
        try (Admin admin = Admin.create(clientConfig(request))) {
            admin.describeCluster().nodes().get();
            answer.put("error", null);
        } catch (ExecutionException failure) {
            answer.put("error", failure.getCause().toString());
        }
        return answer;
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Class.forName(IAMLoginModule.class.getName()); // it registers the mechanism
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode request = JSON.readTree(line);
            System.out.println(JSON.writeValueAsString(args[0].equals("sign") ? sign(request) : connect(request)));
        }
    }
}
