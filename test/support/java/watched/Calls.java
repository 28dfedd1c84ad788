package watched;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/** What a task is called, a line each, in the file that its config names as `calls`. */
final class Calls {
    private final Path file;
    private String last;

    Calls(Map<String, String> config) {
        file = Path.of(config.get("calls"));
    }

    /** Unless it is what was noted last. */
    synchronized void noteOnce(String call) {
        if (!call.equals(last)) note(call);
    }

    synchronized void note(String call) {
        last = call;
        try {
            Files.writeString(file, call + "\n", StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
