package drover.host;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Connector;
import org.apache.kafka.connect.runtime.isolation.PluginDesc;
import org.apache.kafka.connect.runtime.isolation.PluginSource;
import org.apache.kafka.connect.runtime.isolation.PluginType;
import org.apache.kafka.connect.runtime.isolation.ReflectionScanner;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;
import org.slf4j.event.Level;

/**
 * Writes down which plugins lie in the folders of a plugin path, with their settings, so that nothing has to be searched
 * or loaded when they are asked for: {@code drover.host.Manifest <file> <folder>...}. What does not load is listed too.
 */
public final class Manifest {
    private static final Map<PluginType, String> TYPES = Map.of(
        PluginType.SOURCE, "source",
        PluginType.SINK, "sink",
        PluginType.CONVERTER, "converter",
        PluginType.HEADER_CONVERTER, "header_converter",
        PluginType.TRANSFORMATION, "transformation",
        PluginType.PREDICATE, "predicate");
    private static final Pattern UNDISCOVERED = Pattern.compile("^Failed to discover (\\S+) in (.*?): (.*)$", Pattern.DOTALL);

    private final PluginFolders folders;
    private final ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private final ObjectNode out = json.createObjectNode();
    private final ArrayNode plugins;
    /** By place and class, so that one fault is told once. */
    private final Map<String, String[]> unloadable = new TreeMap<>();

    private Manifest(List<String> pluginPath) {
        folders = new PluginFolders(pluginPath);
        out.put("version", 1);
        plugins = out.putArray("plugins");
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 2) {
            System.err.println("usage: drover.host.Manifest <file to write> <folder of the plugin path>...");
            System.exit(2);
        }
        Manifest manifest = new Manifest(List.of(Arrays.copyOfRange(arguments, 1, arguments.length)));
        manifest.scan();
        manifest.write(Path.of(arguments[0]));
        // Plugins that are looked at may have started threads.
        System.exit(0);
    }

    private void write(Path file) throws IOException {
        ArrayNode faults = out.putArray("unloadable");
        for (String[] fault : unloadable.values()) {
            faults.addObject().put("location", fault[0]).put("class", fault[1]).put("error", fault[2]);
        }
        Path absolute = file.toAbsolutePath();
        if (absolute.getParent() != null) Files.createDirectories(absolute.getParent());
        Path draft = absolute.resolveSibling(absolute.getFileName() + ".draft");
        json.writeValue(draft.toFile(), out);
        Files.move(draft, absolute, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    private void scan() {
        for (String name : folders.names()) {
            HostLog.listen(Level.WARN, (level, logger, message, trace) -> {
                Matcher found = UNDISCOVERED.matcher(message);
                // With a service manifest the class is named only in what the ServiceLoader says.
                if (logger.contains(".isolation.") && found.matches()) fault(name, className(found.group(1), found.group(3)), reason(found.group(3), trace));
            });
            try {
                PluginSource source = folders.source(name);
                Set<String> seen = new LinkedHashSet<>();
                new ReflectionScanner().discoverPlugins(Set.of(source)).forEach(plugin -> {
                    if (describe(name, plugin)) seen.add(plugin.className());
                });
                declared(source).forEach(className -> {
                    if (!seen.contains(className)) tryToLoad(name, source, className);
                });
            } catch (Exception | LinkageError error) {
                fault(name, "", PluginFolders.reason(error));
            }
        }
    }

    private static String className(String type, String words) {
        Matcher provider = Pattern.compile("Provider (\\S+)").matcher(words);
        if (provider.find()) return provider.group(1);
        return type;
    }

    private static String reason(String words, String trace) {
        if (trace == null) return words.strip();
        String last = words.strip();
        for (String line : trace.split("\n")) if (line.startsWith("Caused by: ")) last = line.substring("Caused by: ".length()).strip();
        return words.strip().equals(last) ? last : words.strip() + " (" + last + ")";
    }

    private void fault(String location, String className, String error) {
        unloadable.putIfAbsent(location + '\n' + className, new String[] {location, className, error});
    }

    private boolean describe(String name, PluginDesc<?> plugin) {
        String type = TYPES.get(plugin.type());
        if (type == null) return true;
        try {
            ArrayNode configDef = Scoped.within(plugin.loader(), () -> ConfigDefs.write(configOf(plugin)));
            plugins.addObject()
                .put("class", plugin.className())
                .put("type", type)
                .put("version", plugin.version())
                .put("location", name)
                .set("configDef", configDef);
            return true;
        } catch (Exception | LinkageError error) {
            fault(name, plugin.className(), PluginFolders.reason(error));
            return true;
        }
    }

    private static ConfigDef configOf(PluginDesc<?> plugin) throws ReflectiveOperationException {
        Object instance = plugin.pluginClass().getDeclaredConstructor().newInstance();
        if (instance instanceof Connector connector) return connector.config();
        if (plugin.type() == PluginType.HEADER_CONVERTER) return ((HeaderConverter) instance).config();
        if (instance instanceof Converter converter) return converter.config();
        if (instance instanceof Transformation<?> transformation) return transformation.config();
        return ((Predicate<?>) instance).config();
    }

    /** The classes that the plugin's own service manifests name. */
    private static Set<String> declared(PluginSource source) {
        Set<String> names = new LinkedHashSet<>();
        for (PluginType type : TYPES.keySet()) {
            for (URL url : resources(source, "META-INF/services/" + type.superClass().getName())) {
                try (BufferedReader lines = new BufferedReader(new InputStreamReader(url.openStream(), StandardCharsets.UTF_8))) {
                    lines.lines().map(line -> line.replaceAll("#.*", "").strip()).filter(line -> !line.isEmpty()).forEach(names::add);
                } catch (IOException ignored) {
                    // The scan has told what cannot be read.
                }
            }
        }
        return names;
    }

    private static List<URL> resources(PluginSource source, String path) {
        try (java.net.URLClassLoader own = new java.net.URLClassLoader(source.urls(), null)) {
            return new ArrayList<>(Collections.list(own.findResources(path)));
        } catch (IOException error) {
            return List.of();
        }
    }

    private void tryToLoad(String name, PluginSource source, String className) {
        try {
            Class<?> loaded = Class.forName(className, true, source.loader());
            // Apache's own, of the host: a plugin that brings them along does not count.
            if (loaded.getClassLoader() != source.loader()) return;
            Scoped.within(source.loader(), () -> loaded.getDeclaredConstructor().newInstance());
        } catch (ClassNotFoundException error) {
            fault(name, className, "a service manifest names this class, and it is not there");
        } catch (Exception | LinkageError error) {
            fault(name, className, PluginFolders.reason(error));
        }
    }
}
